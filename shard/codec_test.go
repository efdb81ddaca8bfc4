package shard

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

func drawEntry(t *rapid.T) *entry {
	key := rapid.Custom(func(t *rapid.T) mvcc.Key { return mvcc.Key(rapid.StringN(0, 4, 8).Draw(t, "key")) })
	ts := rapid.Custom(func(t *rapid.T) timestamp.Timestamp {
		return timestamp.Timestamp(rapid.Uint64Max(uint64(timestamp.Max)).Draw(t, "ts"))
	})
	digest := rapid.Custom(func(t *rapid.T) (d mvcc.Digest) {
		if rapid.Bool().Draw(t, "digested") {
			d[3] = rapid.Byte().Draw(t, "digest")
		}
		return d
	})
	value := rapid.Custom(func(t *rapid.T) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "value") })
	keys := rapid.Custom(func(t *rapid.T) []mvcc.Key {
		if ks := rapid.SliceOfN(key, 0, 3).Draw(t, "keys"); len(ks) > 0 {
			return ks
		}
		return nil
	})
	e := &entry{Term: rapid.Uint64().Draw(t, "term"), Bounds: 7}
	for range rapid.IntRange(1, 3).Draw(t, "proposals") {
		p := proposal{ID: rapid.Uint64().Draw(t, "id")}
		r := &p.Rows
		k := key.Draw(t, "k")
		d := digest.Draw(t, "d")
		r.Versions = []mvcc.Version{{Key: k, CommitTS: ts.Draw(t, "c"), StartTS: ts.Draw(t, "s"), Op: mvcc.OpPut, Value: value.Draw(t, "v"), Digest: d}}
		r.Locks = []mvcc.Lock{{Key: k, StartTS: ts.Draw(t, "s"), Primary: k, Kind: mvcc.LockPut, MinCommitTS: 4, Expires: 5, Digest: d, Value: value.Draw(t, "v"),
			Async: rapid.Bool().Draw(t, "async"), Secondaries: keys.Draw(t, "others")}}
		r.Marks = []mvcc.Mark{{Key: k, CommitTS: 4, StartTS: 3, Digest: d}}
		r.Turns = []mvcc.Turn{{Key: k, StartTS: 3, Digest: d, CommitTS: ts.Draw(t, "c")}}
		r.Unlocks = []mvcc.Unlock{{Key: k, StartTS: 3, Digest: d}}
		r.Records = []mvcc.Record{{Key: k, StartTS: 3, Decision: mvcc.Aborted, Digest: d}}
		r.DropVersions = []mvcc.VersionName{{Key: k, CommitTS: 3, StartTS: 2, ValueID: 9}}
		r.DropMarks = []mvcc.VersionName{{Key: k, CommitTS: 3, StartTS: 2}}
		r.DropRecords = []mvcc.RecordName{{Key: k, StartTS: 2}}
		r.System = []mvcc.SystemRow{{Name: "gone"}, {Name: "there", Value: value.Draw(t, "v")}}
		e.Proposals = append(e.Proposals, p)
	}
	return e
}

// TestEntriesComeBack: what is encoded is decoded, and nothing shorter or longer is.
func TestEntriesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		data := encodeEntry(e)
		back, err := decodeEntry(data)
		require.NoError(t, err)
		require.Equal(t, e, back)
		_, err = decodeEntry(data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")])
		require.Error(t, err)
		_, err = decodeEntry(append(data, 0))
		require.Error(t, err)
	})
}

// TestEntriesOfVersion1: what an older program left in the log is read, its locks as the
// synchronous ones that they are.
func TestEntriesOfVersion1(t *testing.T) {
	lock := mvcc.Lock{Key: "k", StartTS: 3, Primary: "p", Kind: mvcc.LockPut, MinCommitTS: 4, Expires: 5, Value: []byte("v")}
	e := &entry{Term: 6, Bounds: 7, Proposals: []proposal{{ID: 1, Rows: mvcc.Rows{Locks: []mvcc.Lock{lock}}}}}
	data := encodeEntry(e)
	at := bytes.LastIndex(data, []byte{0, 0, 0, 0, 1, 'v'}) // no digest, not asynchronous, alone, no value id
	require.Positive(t, at)
	old := slices.Concat([]byte{1}, data[1:at+1], data[at+3:])
	back, err := decodeEntry(old)
	require.NoError(t, err)
	require.Equal(t, e, back)
	_, err = decodeEntry(append([]byte{entryVersion + 1}, data[1:]...))
	require.ErrorContains(t, err, "version")
}

// FuzzDecodeEntry: damaged data are an error, never a panic and never memory without end. P7
func FuzzDecodeEntry(f *testing.F) {
	f.Add(encodeEntry(&entry{Term: 6, Bounds: 1, Proposals: []proposal{{ID: 1, Rows: mvcc.Rows{
		Versions: []mvcc.Version{{Key: "k", CommitTS: 9, StartTS: 8, Op: mvcc.OpPut, Value: []byte("v")}}}}}}))
	f.Add(encodeEntry(&entry{Proposals: []proposal{{ID: 1, Split: &splitCommand{Key: "m", Right: 3}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeEntry(data)
		if err != nil {
			return
		}
		again, err := decodeEntry(encodeEntry(e))
		require.NoError(t, err)
		require.Equal(t, e.Proposals, again.Proposals)
	})
}
