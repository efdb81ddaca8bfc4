package shard

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// applied is a replica of [a, m) at InitialIndex that may be given entries.
func applied(t testing.TB) *Replica {
	d := routing.Descriptor{ID: 2, Span: mvcc.Span{Start: "a", End: "m"}, Epoch: routing.Epoch{Bounds: 1, Members: 1},
		Replicas: []routing.Replica{{ID: 1, Node: 1, Role: routing.Voter}}}
	store := memory.New(memory.Config{})
	require.NoError(t, store.Flush(&mvcc.Batch{Index: InitialIndex, Term: InitialTerm, Meta: Bootstrap(d)}, true))
	image, err := store.Load()
	require.NoError(t, err)
	r, err := New(Start{Node: 1, Replica: 1, Shard: 2, Image: image})
	require.NoError(t, err)
	r.out = &Effects{}
	return r
}

func giveData(r *Replica, data []byte) {
	r.apply(&raftpb.Entry{Index: proto.Uint64(uint64(r.applied) + 1), Term: proto.Uint64(InitialTerm), Data: data})
}

func give(r *Replica, e *entry) {
	e.Term, e.Bounds = InitialTerm, 1
	giveData(r, encodeEntry(e))
}

// TestApplyIsTotal: P7. What apply cannot explain ends the replica with an alarm that names
// the entry; it neither panics nor guesses, and nothing is applied any more.
func TestApplyIsTotal(t *testing.T) {
	lock := func(k mvcc.Key, start timestamp.Timestamp) mvcc.Rows {
		return mvcc.Rows{Locks: []mvcc.Lock{{Key: k, StartTS: start, Primary: k, Kind: mvcc.LockPut}}}
	}
	other := lock("b", 9)
	split := &splitCommand{Key: "f", Right: 3, Replicas: []routing.ReplicaID{31}, Proposer: 1}
	cases := map[string][]*entry{
		"a version out of bounds": {{Proposals: []proposal{{Rows: mvcc.Rows{Versions: []mvcc.Version{{Key: "x", Op: mvcc.OpPut}}}}}}},
		"a lock out of bounds":    {{Proposals: []proposal{{Rows: lock("x", 5)}}}},
		"a lock over another's":   {{Proposals: []proposal{{Rows: lock("b", 5)}}}, {Proposals: []proposal{{Rows: other}}}},
		"a split beside rows":     {{Proposals: []proposal{{Split: split}, {Rows: lock("b", 5)}}}},
		"a split out of bounds":   {{Proposals: []proposal{{Split: &splitCommand{Key: "z", Replicas: []routing.ReplicaID{31}}}}}},
		"a split of too many":     {{Proposals: []proposal{{Split: &splitCommand{Key: "f"}}}}},
		"a directory's row":       {{Proposals: []proposal{{Rows: mvcc.Rows{System: []mvcc.SystemRow{{Name: "next"}}}}}}},
	}
	for name, entries := range cases {
		r := applied(t)
		for _, e := range entries {
			require.NoError(t, r.bad, name)
			give(r, e)
		}
		require.Error(t, r.bad, name)
		require.ErrorIs(t, r.out.Quarantined, r.bad)
		require.NotEmpty(t, r.Status(r.now).Quarantine)
	}
	r := applied(t)
	r.apply(&raftpb.Entry{Index: proto.Uint64(uint64(r.applied) + 2)})
	require.ErrorContains(t, r.bad, "follows", "a gap")
}

// TestOneWay: P2, P7. A row that turns or removes a lock applies only to a standing lock of
// its start and digest, however late it comes.
func TestOneWay(t *testing.T) {
	r := applied(t)
	l := mvcc.Lock{Key: "b", StartTS: 5, Primary: "b", Kind: mvcc.LockPut, Digest: mvcc.Digest{1}, Value: []byte("v")}
	give(r, &entry{Proposals: []proposal{{Rows: mvcc.Rows{Locks: []mvcc.Lock{l}}}}})
	give(r, &entry{Proposals: []proposal{{Rows: mvcc.Rows{
		Turns:   []mvcc.Turn{{Key: "b", StartTS: 5, Digest: mvcc.Digest{2}, CommitTS: 8}, {Key: "c", StartTS: 5, CommitTS: 8}},
		Unlocks: []mvcc.Unlock{{Key: "b", StartTS: 6, Digest: mvcc.Digest{1}}}}}}})
	require.NoError(t, r.bad)
	require.Equal(t, 1, r.locks.standing.Len())
	turned := mvcc.Rows{Turns: []mvcc.Turn{{Key: "b", StartTS: 5, Digest: mvcc.Digest{1}, CommitTS: 8}}}
	give(r, &entry{Proposals: []proposal{{Rows: turned}}})
	again := mvcc.Rows{Unlocks: []mvcc.Unlock{{Key: "b", StartTS: 5, Digest: mvcc.Digest{1}}}, Turns: turned.Turns}
	give(r, &entry{Proposals: []proposal{{Rows: again}}})
	require.NoError(t, r.bad)
	require.Zero(t, r.locks.standing.Len())
	v, ok := r.current("b")
	require.True(t, ok)
	require.Equal(t, "v", string(v.Value))
}

// FuzzApply: whatever the log holds, the replica goes on or stops by itself.
func FuzzApply(f *testing.F) {
	f.Add(encodeEntry(&entry{Term: InitialTerm, Bounds: 1, Proposals: []proposal{{ID: 1, Split: &splitCommand{Key: "f", Right: 3,
		Replicas: []routing.ReplicaID{31}}}}}))
	f.Add(encodeEntry(&entry{Term: InitialTerm, Bounds: 1, Proposals: []proposal{{ID: 1, Rows: mvcc.Rows{
		Versions:     []mvcc.Version{{Key: "b", CommitTS: 3, Op: mvcc.OpPut, Value: []byte("v")}},
		Locks:        []mvcc.Lock{{Key: "c", StartTS: 5, Kind: mvcc.LockPut}},
		DropVersions: []mvcc.VersionName{{Key: "b", CommitTS: 3}}, DropRecords: []mvcc.RecordName{{Key: "b"}}}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := applied(t)
		giveData(r, data)
		if r.bad == nil {
			giveData(r, data)
		}
	})
}
