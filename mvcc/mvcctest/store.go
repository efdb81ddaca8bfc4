package mvcctest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// CheckStore holds a store to what mvcc.Store and mvcc.View promise beside the rules: the
// image, views that stay as they are, values beside their rows, rows replaced and dropped.
// Reopen closes the store in order and opens it again (for one that keeps nothing: returns
// it as it is).
func CheckStore(t *testing.T, open func(testing.TB) mvcc.Store, reopen func(testing.TB, mvcc.Store) mvcc.Store) {
	t.Run("empty", func(t *testing.T) {
		s := open(t)
		defer closeStore(t, s)
		image, err := s.Load()
		require.NoError(t, err)
		require.Zero(t, image.Index)
		require.Empty(t, image.Locks)
		v := openView(t, s)
		defer closeView(t, v)
		facts, err := v.Facts([]mvcc.Key{"a", "b"}, 10)
		require.NoError(t, err)
		require.Equal(t, []mvcc.Fact{{Key: "a", StartTS: 10}, {Key: "b", StartTS: 10}}, facts)
		require.Empty(t, all(t, v, mvcc.Span{}, timestamp.Max, false, false))
	})
	t.Run("image", func(t *testing.T) { checkImage(t, open, reopen) })
	t.Run("views", func(t *testing.T) { checkViews(t, open) })
	t.Run("values", func(t *testing.T) { checkValues(t, open, reopen) })
	t.Run("facts", func(t *testing.T) { checkFacts(t, open) })
	t.Run("scans", func(t *testing.T) { checkScans(t, open) })
}

func checkImage(t *testing.T, open func(testing.TB) mvcc.Store, reopen func(testing.TB, mvcc.Store) mvcc.Store) {
	s := open(t)
	small := mvcc.Lock{Key: "a", StartTS: 10, Primary: "a", Kind: mvcc.LockPut, MinCommitTS: 11,
		Expires: 100, Digest: mvcc.Digest{1}, Value: []byte("small")}
	large := mvcc.Lock{Key: "b", StartTS: 10, Primary: "a", Kind: mvcc.LockPut, MinCommitTS: 11,
		Expires: 100, Digest: mvcc.Digest{1}, ValueID: 7}
	async := mvcc.Lock{Key: "d", StartTS: 11, Primary: "d", Kind: mvcc.LockDelete, MinCommitTS: 12, Expires: 100,
		Digest: mvcc.Digest{2}, Async: true, Secondaries: []mvcc.Key{"\x00", "e", mvcc.Key(bytes.Repeat([]byte("k"), 4096))}}
	other := mvcc.Lock{Key: "e", StartTS: 11, Primary: "d", Kind: mvcc.LockCheck, MinCommitTS: 12, Expires: 100,
		Digest: mvcc.Digest{2}, Async: true}
	check := mvcc.Lock{Key: "c", StartTS: timestamp.Max - 1, Primary: "\xff\x00", Kind: mvcc.LockCheck,
		MinCommitTS: timestamp.Max - 1, Expires: timestamp.Max - 1}
	claim := mvcc.Lock{Key: "f", StartTS: 13, Primary: "f", Kind: mvcc.LockClaim, MinCommitTS: 14, Expires: 100} // P13
	flush(t, s, &mvcc.Batch{Index: 12, Term: 5, Locks: []mvcc.Lock{small, large, check, async, other, claim},
		Values: []mvcc.Value{{ID: 7, Data: bytes.Repeat([]byte("L"), 5000)}},
		Meta:   []mvcc.MetaRow{{Name: "bounds", Value: []byte{0, 1}}, {Name: "term", Value: []byte("5")}},
		System: []mvcc.SystemRow{{Name: "node/1", Value: []byte("one")}, {Name: "node/2", Value: []byte("two")}}})
	small.Expires = 200
	flush(t, s, &mvcc.Batch{Index: 13, Term: 6, Locks: []mvcc.Lock{small}, DropLocks: []mvcc.Key{"c", "never"},
		Meta:   []mvcc.MetaRow{{Name: "term", Value: []byte("6")}},
		System: []mvcc.SystemRow{{Name: "node/1"}, {Name: "node/2", Value: []byte("zwei")}, {Name: "none"}}})
	s = reopen(t, s)
	defer closeStore(t, s)
	image, err := s.Load()
	require.NoError(t, err)
	require.Equal(t, mvcc.Index(13), image.Index)
	require.Equal(t, uint64(6), image.Term)
	slices.SortFunc(image.Locks, func(a, b mvcc.Lock) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	require.Equal(t, []mvcc.Lock{small, large, async, other, claim}, image.Locks)
	require.ElementsMatch(t, []mvcc.MetaRow{{Name: "bounds", Value: []byte{0, 1}}, {Name: "term", Value: []byte("6")}}, image.Meta)
	require.Equal(t, []mvcc.SystemRow{{Name: "node/2", Value: []byte("zwei")}}, image.System)
}

// checkViews: a view is the state at the moment it was opened.
func checkViews(t *testing.T, open func(testing.TB) mvcc.Store) {
	s := open(t)
	defer closeStore(t, s)
	flush(t, s, &mvcc.Batch{Index: 1, Term: 1, Versions: []mvcc.Version{put("a", 10, "old"), put("b", 10, "b")}})
	before := openView(t, s)
	defer closeView(t, before)
	flush(t, s, &mvcc.Batch{Index: 2, Term: 1, Versions: []mvcc.Version{put("a", 20, "new")},
		DropVersions: []mvcc.VersionName{{Key: "b", CommitTS: 10, StartTS: 9}}})
	after := openView(t, s)
	defer closeView(t, after)

	require.Equal(t, mvcc.Index(1), before.Index())
	require.Equal(t, []mvcc.Version{put("a", 10, "old"), put("b", 10, "b")},
		all(t, before, mvcc.Span{}, timestamp.Max, false, false))
	require.Equal(t, mvcc.Index(2), after.Index())
	require.Equal(t, []mvcc.Version{put("a", 20, "new")},
		all(t, after, mvcc.Span{}, timestamp.Max, false, false))
	v, ok, err := after.Get("a", 19)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, put("a", 10, "old"), v)
}

// checkValues: a version whose value lies beside it, brought in the same batch or long ago.
func checkValues(t *testing.T, open func(testing.TB) mvcc.Store, reopen func(testing.TB, mvcc.Store) mvcc.Store) {
	s := open(t)
	data := bytes.Repeat([]byte("v"), 100_000)
	version := put("a", 10, "")
	version.ValueID, version.Value = 1<<16|3, nil
	other := put("b", 20, "")
	other.ValueID, other.Value = 2<<16, nil
	flush(t, s, &mvcc.Batch{Index: 1, Term: 1, Values: []mvcc.Value{{ID: 1<<16 | 3, Data: data}},
		Versions: []mvcc.Version{version}})
	flush(t, s, &mvcc.Batch{Index: 2, Term: 1, Values: []mvcc.Value{{ID: 2 << 16, Data: data[1:]}, {ID: 2<<16 | 1, Data: data[2:]}}})
	flush(t, s, &mvcc.Batch{Index: 3, Term: 1, Versions: []mvcc.Version{other}, DropValues: []mvcc.ValueID{2<<16 | 1}})
	s = reopen(t, s)
	defer closeStore(t, s)
	v := openView(t, s)
	defer closeView(t, v)
	got := all(t, v, mvcc.Span{}, timestamp.Max, false, false)
	require.Len(t, got, 2)
	require.True(t, bytes.Equal(data, got[0].Value), "the value beside the row, in a scan")
	require.True(t, bytes.Equal(data[1:], got[1].Value), "the value that came in a batch before")
	facts, err := v.Facts([]mvcc.Key{"b"}, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data[1:], facts[0].Current.Value), "checks compare values")
	for _, version := range all(t, v, mvcc.Span{}, timestamp.Max, false, true) {
		require.Nil(t, version.Value, "keys only")
	}
}

func put(k mvcc.Key, commitTS timestamp.Timestamp, value string) mvcc.Version {
	return mvcc.Version{Key: k, CommitTS: commitTS, StartTS: commitTS - 1, Op: mvcc.OpPut, Value: []byte(value)}
}

func flush(t testing.TB, s mvcc.Store, b *mvcc.Batch) {
	t.Helper()
	require.NoError(t, s.Flush(b, b.Index%2 == 0))
}

func openView(t testing.TB, s mvcc.Store) mvcc.View {
	t.Helper()
	v, err := s.View()
	require.NoError(t, err)
	return v
}

func closeView(t testing.TB, v mvcc.View) { require.NoError(t, v.Close()) }

func closeStore(t testing.TB, s mvcc.Store) { require.NoError(t, s.Close()) }

func all(t testing.TB, v mvcc.View, span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) []mvcc.Version {
	t.Helper()
	var out []mvcc.Version
	for version, err := range v.Scan(span, at, reverse, keysOnly) {
		require.NoError(t, err)
		out = append(out, version)
	}
	return out
}
