package raftlog

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// Group 1 writes a little and then stands still, uncut; group 2 goes on for ever.
func TestAStillGroupDoesNotHoldTheLog(t *testing.T) { // P25's sister: nothing on disk grows without bound
	h := newHistory(t, rand.New(rand.NewPCG(1, 1)))
	still := []Write{{Group: 1, Reset: &Position{10, 5}, HardState: hard(5, 2, 10),
		Entries: []*raftpb.Entry{entry(11, 5, "still"), entry(12, 5, "here")}}}
	require.NoError(t, h.log.Append(still))
	h.want.append(still)
	most := int64(0)
	for i := uint64(1); i < 400; i++ {
		w := []Write{{Group: 2, Entries: []*raftpb.Entry{entry(i, 1, strings.Repeat("x", 3000))}}}
		require.NoError(t, h.log.Append(w))
		h.want.append(w)
		h.log.Cut(2, Position{mvcc.Index(i), 1})
		h.want.cut(2, Position{mvcc.Index(i), 1})
		most = max(most, h.log.Stats().Segments)
	}
	require.NoError(t, h.log.Append(nil))
	require.LessOrEqual(t, most, int64(segmentsKept+2))
	require.Positive(t, h.log.Stats().Rewritten)
	require.Greater(t, h.log.current().number, uint64(50))
	h.may = []twin{h.want}
	h.restart(t, true, true)
	require.LessOrEqual(t, len(h.d.names), segmentsKept+2+sparesKept)
}

// The same with still groups that hold more than a segment each, and through a restart.
func TestStillGroupsOfManySegments(t *testing.T) {
	h := newHistory(t, rand.New(rand.NewPCG(1, 1)))
	for id := routing.ShardID(1); id <= 5; id++ {
		w := Write{Group: id, HardState: hard(5, 2, 0)}
		for i := range uint64(18) {
			w.Entries = append(w.Entries, entry(1+i, 5, strings.Repeat(string(rune('a'+id)), 2100)))
		}
		require.NoError(t, h.log.Append([]Write{w}))
		h.want.append([]Write{w})
	}
	for i := uint64(1); i < 1200; i++ {
		w := []Write{{Group: 9, Entries: []*raftpb.Entry{entry(i, 1, strings.Repeat("x", int(i*37%11000)))}}}
		require.NoError(t, h.log.Append(w))
		h.want.append(w)
		h.log.Cut(9, Position{mvcc.Index(i), 1})
		h.want.cut(9, Position{mvcc.Index(i), 1})
		require.Less(t, h.log.Stats().Segments, int64(40), "four times the live bytes are 24 segments")
		if i%300 == 0 {
			require.NoError(t, h.log.Append(nil))
			h.may = []twin{h.want}
			h.restart(t, true, true)
		}
	}
	for _, n := range h.d.names {
		require.Len(t, n.cache, segmentSizeMin)
	}
	require.Greater(t, h.log.current().number, uint64(100))
}

// A batch larger than a frame, with the power going out at every step of it: what is found
// is a prefix, whose HardState is never ahead of its entries nor behind their term.
func TestABatchOfManyFrames(t *testing.T) { // P28, S18
	for at := 1; ; at++ {
		h := newHistory(t, rand.New(rand.NewPCG(uint64(at), 1)))
		require.NoError(t, h.log.Append([]Write{{Group: 1, Reset: &Position{10, 5}, HardState: hard(5, 0, 10)}}))
		h.d.crashAt = h.d.ops + at
		w := Write{Group: 1, HardState: hard(6, 3, 40)}
		for i := range uint64(40) {
			w.Entries = append(w.Entries, entry(11+i, 6, strings.Repeat("x", 2000)))
		}
		err := h.log.Append([]Write{w})
		h.d = h.d.crash(h.r, true)
		groups, openErr := h.open(false)
		require.NoError(t, openErr)
		g := groups[1]
		if n := len(g.Entries); n > 0 {
			require.Equal(t, uint64(6), g.HardState.GetTerm())
			require.LessOrEqual(t, g.HardState.GetCommit(), uint64(10+n))
		}
		if err == nil {
			require.Len(t, g.Entries, 40)
			require.Equal(t, uint64(40), g.HardState.GetCommit())
			return
		}
	}
}

func TestLargeEntryAndGrownBuffer(t *testing.T) {
	for _, dir := range []string{t.TempDir(), shm(t)} {
		l, _, err := Open(dir+"/log", Config{Create: true, SegmentSize: 1 << 20})
		require.NoError(t, err)
		big := strings.Repeat("v", 400<<10)
		for i := range uint64(10) {
			require.NoError(t, l.Append([]Write{{Group: 1, Entries: []*raftpb.Entry{entry(1+i, 1, big)}}}))
		}
		require.NoError(t, l.Close())
		l, groups, err := Open(dir+"/log", Config{})
		require.NoError(t, err, "segments keep the size that they were made with")
		require.Len(t, groups[1].Entries, 10)
		require.Equal(t, big, string(groups[1].Entries[9].GetData()))
		require.NoError(t, l.Append([]Write{{Group: 1, Entries: []*raftpb.Entry{entry(11, 1, "")}}}))
		require.NoError(t, l.Close())
	}
}

// shm is a directory on a tmpfs, where there is one: a file system without O_DIRECT.
func shm(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "raftlog")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func TestRemovedGroupsAreGone(t *testing.T) {
	h := newHistory(t, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, h.log.Append([]Write{{Group: 1, HardState: hard(1, 1, 0)}, {Group: 2, HardState: hard(2, 2, 0)}}))
	h.log.Remove(1)
	require.NoError(t, h.log.Append(nil))
	h.d = h.d.crash(h.r, false)
	groups, err := h.open(false)
	require.NoError(t, err)
	require.Len(t, groups, 1)
	require.Contains(t, groups, routing.ShardID(2))
}

// FuzzRecords: no bytes make the decoder fail otherwise than with its error, and what it
// reads it writes again as it was read.
func FuzzRecords(f *testing.F) {
	for _, r := range []record{
		{kind: recordState, group: 3, hard: hard(1, 2, 3)},
		{kind: recordCut, group: 3, at: Position{9, 2}},
		{kind: recordReset, group: 1 << 60, at: Position{9, 2}},
		{kind: recordEntries, group: 3, entries: []*raftpb.Entry{entry(7, 1, "a"), entry(8, 1, "")}},
		{kind: recordRewrite, group: 3, entries: []*raftpb.Entry{entry(7, 1, "a")}},
		{kind: recordRemove, group: 3}, {kind: recordMark}, {kind: recordSeal, segment: 8},
		{kind: recordHead, group: 3, at: Position{9, 2}, last: 12, hard: hard(1, 2, 3)},
	} {
		f.Add(appendRecord(nil, &r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := decoder{rest: b}
		var again []byte
		var list []record
		for d.more() {
			r, err := d.next()
			if err != nil {
				return
			}
			list = append(list, r)
			again = appendRecord(again, &r)
		}
		d = decoder{rest: again}
		for i := range list {
			r, err := d.next()
			require.NoError(t, err)
			require.Equal(t, appendRecord(nil, &list[i]), appendRecord(nil, &r))
		}
		require.False(t, d.more())
	})
}
