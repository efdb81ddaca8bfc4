package mvcctest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// checkFacts: newest of versions and marks, newest of versions alone, and what is recorded:
// a record before a version before a mark.
func checkFacts(t *testing.T, open func(testing.TB) mvcc.Store) {
	s := open(t)
	defer closeStore(t, s)
	onePhase := put("a", 20, "two")
	onePhase.Digest = mvcc.Digest{2}
	deleted := mvcc.Version{Key: "d", CommitTS: 40, StartTS: 39, Op: mvcc.OpDelete}
	committed := mvcc.Record{Key: "d", StartTS: 39, Decision: mvcc.Committed, CommitTS: 40, Digest: mvcc.Digest{4}}
	aborted := mvcc.Record{Key: "a", StartTS: 20, Decision: mvcc.Aborted, Digest: mvcc.Digest{9}}
	fenced := mvcc.Record{Key: "c", StartTS: 50, Decision: mvcc.Fenced}
	flush(t, s, &mvcc.Batch{Index: 1, Term: 1,
		Versions: []mvcc.Version{put("a", 10, "one"), onePhase, put("d", 30, "x"), deleted},
		Marks: []mvcc.Mark{{Key: "a", CommitTS: 15, StartTS: 14}, {Key: "b", CommitTS: 25, StartTS: 24, Digest: mvcc.Digest{3}},
			{Key: "a", CommitTS: 26, StartTS: 24}, {Key: "a", CommitTS: 12, StartTS: 11}},
		Records: []mvcc.Record{committed, aborted, fenced}})
	flush(t, s, &mvcc.Batch{Index: 2, Term: 1,
		DropMarks:   []mvcc.VersionName{{Key: "a", CommitTS: 12, StartTS: 11}, {Key: "z", CommitTS: 1, StartTS: 1}},
		DropRecords: []mvcc.RecordName{{Key: "c", StartTS: 51}, {Key: "z", StartTS: 1}}})
	v := openView(t, s)
	defer closeView(t, v)

	mark := mvcc.Version{Key: "a", CommitTS: 26, StartTS: 24, Op: mvcc.OpMark}
	made := func(k mvcc.Key, start, at timestamp.Timestamp, d mvcc.Digest) mvcc.Record {
		return mvcc.Record{Key: k, StartTS: start, Decision: mvcc.Committed, CommitTS: at, Digest: d}
	}
	for _, c := range []struct {
		key   mvcc.Key
		start timestamp.Timestamp
		own   mvcc.Record
	}{
		{"a", 19, made("a", 19, 20, mvcc.Digest{2})},
		{"a", 9, made("a", 9, 10, mvcc.Digest{})},
		{"a", 14, made("a", 14, 15, mvcc.Digest{})},
		{"a", 11, mvcc.Record{}},
		{"a", 20, aborted}, // its start is another's commit timestamp (P8)
		{"a", 12, mvcc.Record{}},
		{"b", 24, made("b", 24, 25, mvcc.Digest{3})},
		{"c", 50, fenced},
		{"d", 39, committed},
		{"d", 0, mvcc.Record{}},
	} {
		facts, err := v.Facts([]mvcc.Key{c.key}, c.start)
		require.NoError(t, err)
		require.Equal(t, c.own, facts[0].Own, "%s, T%s", c.key, c.start)
	}
	facts, err := v.Facts([]mvcc.Key{"d", "a", "b", "c"}, 1)
	require.NoError(t, err)
	require.Len(t, facts, 4)
	require.Equal(t, mvcc.OpDelete, facts[0].Newest.Op)
	require.Equal(t, deleted.CommitTS, facts[0].Current.CommitTS)
	require.Equal(t, mark, facts[1].Newest)
	require.Equal(t, onePhase, facts[1].Current)
	require.Equal(t, mvcc.OpMark, facts[2].Newest.Op)
	require.Zero(t, facts[2].Current)
	require.Equal(t, mvcc.Fact{Key: "c", StartTS: 1}, facts[3])
}

// checkScans: bounds, both directions, keys that begin alike or hold zero bytes.
func checkScans(t *testing.T, open func(testing.TB) mvcc.Store) {
	s := open(t)
	defer closeStore(t, s)
	keys := []mvcc.Key{"\x01", "a", "a\x00", "a\x00\x00", "a\xff", "b", "\xff", "\xff\xff"}
	b := &mvcc.Batch{Index: 1, Term: 1}
	for _, k := range keys {
		b.Versions = append(b.Versions, put(k, 10, "old"), put(k, 20, "new"))
	}
	b.Versions = append(b.Versions, put("late", 21, "x"))
	flush(t, s, b)
	v := openView(t, s)
	defer closeView(t, v)
	bounds := append([]mvcc.Key{"", "a\x01", "c", "\xff\xff\xff"}, keys...)
	for _, start := range bounds {
		for _, end := range bounds {
			span := mvcc.Span{Start: start, End: end}
			for at, value := range map[timestamp.Timestamp]string{9: "", 10: "old", 19: "old", 20: "new"} {
				var want []mvcc.Key
				for _, k := range keys {
					if value != "" && span.Contains(k) {
						want = append(want, k)
					}
				}
				require.Equal(t, want, keysOf(t, all(t, v, span, at, false, false), value), "%q at %s", span, at)
				back := keysOf(t, all(t, v, span, at, true, false), value)
				require.Len(t, back, len(want), "%q at %s, backwards", span, at)
				for i, k := range want {
					require.Equal(t, k, back[len(back)-1-i], "%q at %s, backwards", span, at)
				}
			}
		}
	}
}

func keysOf(t testing.TB, versions []mvcc.Version, value string) []mvcc.Key {
	var out []mvcc.Key
	for _, version := range versions {
		require.Equal(t, value, string(version.Value))
		out = append(out, version.Key)
	}
	return out
}
