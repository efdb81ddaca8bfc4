package raftlog

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/shard/routing"
)

func entry(index, term uint64, data string) *raftpb.Entry {
	kind := raftpb.EntryType_EntryNormal
	e := &raftpb.Entry{Index: &index, Term: &term, Type: &kind}
	if data != "" {
		e.Data = []byte(data)
	}
	return e
}

func hard(term, vote, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

func TestWhatWasAppendedIsReplayed(t *testing.T) {
	dir := t.TempDir()
	l, groups, err := Open(dir, Config{Create: true, SegmentSize: segmentSizeMin})
	require.NoError(t, err)
	require.Empty(t, groups)
	require.NoError(t, l.Append([]Write{{Group: 3, Reset: &Position{10, 5}, HardState: hard(5, 0, 10)}}))
	for i := range uint64(200) {
		require.NoError(t, l.Append([]Write{{Group: 3, Entries: []*raftpb.Entry{entry(11+i, 6, "hello")}, HardState: hard(6, 1, 10+i)}}))
	}
	l.Cut(3, Position{100, 6})
	require.NoError(t, l.Append(nil))
	require.NoError(t, l.Close())
	l, groups, err = Open(dir, Config{SegmentSize: segmentSizeMin})
	require.NoError(t, err)
	r := groups[routing.ShardID(3)]
	require.Equal(t, uint64(209), r.HardState.GetCommit())
	require.EqualValues(t, 100, r.CutIndex)
	require.Len(t, r.Entries, 110)
	require.NoError(t, l.Close())
}
