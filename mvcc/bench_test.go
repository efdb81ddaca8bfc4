package mvcc_test

import (
	"testing"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// emptyReader proves absence from memory, as a leader's does for nearly every put.
type emptyReader struct{}

func (emptyReader) Lock(mvcc.Key) (mvcc.Lock, bool) { return mvcc.Lock{}, false }
func (emptyReader) Newest(mvcc.Key, timestamp.Timestamp) (mvcc.Version, bool, error) {
	return mvcc.Version{}, false, nil
}
func (emptyReader) Current(mvcc.Key) (mvcc.Version, bool, error) { return mvcc.Version{}, false, nil }
func (emptyReader) Own(mvcc.Key, timestamp.Timestamp) (mvcc.Record, bool, error) {
	return mvcc.Record{}, false, nil
}

// BenchmarkPutInOnePhase is the rules' part of a blind put.
func BenchmarkPutInOnePhase(b *testing.B) {
	a := &mvcc.PrewriteArgs{Start: 100, Primary: "user1", OnePhase: true,
		Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "user1", Value: make([]byte, 1000)}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := mvcc.Prewrite(emptyReader{}, a, mvcc.Leader{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDigest is a Commit's digest, 1,000-byte value.
func BenchmarkDigest(b *testing.B) {
	c := mvcc.Content{Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "user1", Value: make([]byte, 1000)}}}
	b.ReportAllocs()
	for b.Loop() {
		c.Digest()
	}
}
