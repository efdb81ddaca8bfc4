package sqlite

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// sample is a batch with rows of every kind.
func sample(keys int) *mvcc.Batch {
	b := &mvcc.Batch{Index: 20, Term: 5,
		Meta:   []mvcc.MetaRow{{Name: "bounds", Value: []byte("[a, z)")}},
		System: []mvcc.SystemRow{{Name: "node/1", Value: []byte("one")}}}
	for i := range keys {
		k := mvcc.Key(fmt.Sprintf("key/%04d", i))
		at := timestamp.Timestamp(1000 + 10*i)
		put(b, k, at, fmt.Appendf(nil, "older %d", i))
		put(b, k, at+5, bytes.Repeat([]byte{byte('a' + i%26)}, 20+(i%5)*70))
		b.Marks = append(b.Marks, mvcc.Mark{Key: k, CommitTS: at + 7, StartTS: at + 6, Digest: mvcc.Digest{1}})
		b.Records = append(b.Records, mvcc.Record{Key: k, StartTS: at + 8, Decision: mvcc.Aborted})
	}
	for i := range 10 {
		b.Locks = append(b.Locks, mvcc.Lock{Key: mvcc.Key(fmt.Sprintf("lock/%02d", i)), StartTS: 7000, Primary: "lock/00",
			Kind: mvcc.LockPut, MinCommitTS: 7001, Expires: 9000, Digest: mvcc.Digest{2}, Value: []byte("locked")})
	}
	return b
}

// seen is all that can be read of a store, as lines of text.
func seen(path string, keys int) (lines []string, err error) {
	s, err := Open(path, Config{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	image, err := s.Load()
	if err != nil {
		return nil, err
	}
	lines = append(lines, fmt.Sprintf("%+v", *image))
	v, err := s.View()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	for _, reverse := range []bool{false, true} {
		for version, err := range v.Scan(mvcc.Span{}, timestamp.Max, reverse, false) {
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("%+v", version))
		}
	}
	for i := range keys {
		k := mvcc.Key(fmt.Sprintf("key/%04d", i))
		at := timestamp.Timestamp(1000 + 10*i)
		version, ok, err := v.Get(k, at+2)
		if err != nil {
			return nil, err
		}
		facts, err := v.Facts([]mvcc.Key{k}, at+8)
		if err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%v %+v %+v", ok, version, facts))
	}
	return lines, nil
}

// TestBitFlips flips single bits all over a small file: reading is right or an error. What it
// cannot ask for is a row that vanished because the tree lost it: see TestVanished. // P27
func TestBitFlips(t *testing.T) {
	const keys, flips = 120, 600
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	s := open(t)
	require.NoError(t, s.Flush(sample(keys), true))
	path := s.path
	require.NoError(t, s.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	want, err := seen(path, keys)
	require.NoError(t, err)
	require.Greater(t, len(want), 3*keys)

	dir := t.TempDir()
	refused, wrong := 0, 0
	for i := range flips {
		at := i * len(whole) / flips
		at += rng.IntN(len(whole) / flips)
		bad := bytes.Clone(whole)
		bit := rng.IntN(8)
		bad[at] ^= 1 << bit
		path := filepath.Join(dir, fmt.Sprintf("%d.db", i))
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		got, err := seen(path, keys)
		require.NoError(t, Remove(path))
		if err != nil {
			refused++
			continue
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			wrong++
			t.Errorf("byte %d (page %d, offset %d) bit %d: %d lines, want %d", at, at/pageSize+1, at%pageSize, bit, len(got), len(want))
		}
	}
	t.Logf("%d flips in %d bytes: %d refused, %d wrong, the others without effect", flips, len(whole), refused, wrong)
	require.NotZero(t, refused)
}
