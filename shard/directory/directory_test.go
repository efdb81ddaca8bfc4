package directory

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// step evaluates a request and applies what came of it, as the system group's leader does.
func step(t require.TestingT, s *State, req any) any {
	rows, answer, err := s.Evaluate(req)
	require.NoError(t, err)
	require.NoError(t, s.Apply(rows))
	return answer
}

func founding() []mvcc.SystemRow {
	return Bootstrap("c1", []Node{{ID: 1, StoreID: "s1", Address: "a:1"}},
		[]routing.Descriptor{described(2, "\x01", "", 1)})
}

func founded(t require.TestingT) *State {
	s, err := Load(founding())
	require.NoError(t, err)
	return s
}

func described(id routing.ShardID, start, end mvcc.Key, bounds routing.BoundsEpoch) routing.Descriptor {
	return routing.Descriptor{ID: id, Span: mvcc.Span{Start: start, End: end},
		Epoch:    routing.Epoch{Bounds: bounds, Members: 1},
		Replicas: []routing.Replica{{ID: routing.ReplicaID(id) * 10, Node: 1, Role: routing.Voter}}}
}

func report(t require.TestingT, s *State, ds ...routing.Descriptor) {
	step(t, s, &ReportArgs{Node: 1, Shards: ds})
}

// covering is what Lookup says of a key, its first answer.
func covering(t require.TestingT, s *State, k mvcc.Key) routing.Descriptor {
	res := step(t, s, &LookupArgs{Key: k}).(*LookupResult)
	require.NotEmpty(t, res.Shards)
	return res.Shards[0]
}

// TestHigherEpochWins: reports come late and in any order.
func TestHigherEpochWins(t *testing.T) {
	s := founded(t)
	left, right := described(2, "\x01", "m", 2), described(3, "m", "", 2)
	report(t, s, left)
	report(t, s, described(2, "\x01", "", 1)) // a leader that was deposed, late
	require.Equal(t, left.Span, covering(t, s, "a").Span)
	report(t, s, right)
	require.Equal(t, routing.ShardID(3), covering(t, s, "x").ID)
	moved := right
	moved.Epoch.Members = 2
	report(t, s, moved)
	report(t, s, right)
	require.Equal(t, moved.Epoch, covering(t, s, "x").Epoch)
}

// TestRightReportedFirst: while the left part still covers the key too, the right one, which
// begins later, is the better answer.
func TestRightReportedFirst(t *testing.T) {
	s := founded(t)
	report(t, s, described(3, "m", "", 2))
	res := step(t, s, &LookupArgs{Key: "x"}).(*LookupResult)
	require.Len(t, res.Shards, 2)
	require.Equal(t, routing.ShardID(3), res.Shards[0].ID)
	require.Equal(t, routing.ShardID(2), covering(t, s, "a").ID)
}

// TestLookupTellsOfNeighbours: whoever reads on to the right finds the way.
func TestLookupTellsOfNeighbours(t *testing.T) {
	s := founded(t)
	report(t, s, described(2, "\x01", "h", 3), described(3, "h", "p", 3), described(4, "p", "", 3))
	res := step(t, s, &LookupArgs{Key: "a"}).(*LookupResult)
	var ids []routing.ShardID
	for _, d := range res.Shards {
		ids = append(ids, d.ID)
	}
	require.Equal(t, []routing.ShardID{2, 3, 4}, ids)
}

// TestNothingNewMakesNoRows: quiet clusters write nothing.
func TestNothingNewMakesNoRows(t *testing.T) {
	s := founded(t)
	led := described(2, "\x01", "", 1)
	led.Leader = 1
	rows, _, err := s.Evaluate(&ReportArgs{Node: 1, Address: "a:1", Shards: []routing.Descriptor{led}})
	require.NoError(t, err)
	require.NotEmpty(t, rows, "another leader under the same epoch is news")
	require.NoError(t, s.Apply(rows))
	for _, again := range []any{
		&ReportArgs{Node: 1, Address: "a:1", Shards: []routing.Descriptor{led}},
		&ReportArgs{Node: 1, Shards: []routing.Descriptor{described(2, "\x01", "", 1)}}, // knows no leader
		&JoinArgs{StoreID: "s1", Address: "a:1"},
	} {
		rows, _, err := s.Evaluate(again)
		require.NoError(t, err)
		require.Empty(t, rows, "%T", again)
	}
}

// TestJoinIsIdempotent: a node is its store; its address may change.
func TestJoinIsIdempotent(t *testing.T) {
	s := founded(t)
	first := step(t, s, &JoinArgs{StoreID: "s2", Address: "b:1"}).(*JoinResult)
	require.Equal(t, routing.NodeID(2), first.Node)
	require.Equal(t, "c1", first.ClusterID)
	again := step(t, s, &JoinArgs{StoreID: "s2", Address: "b:2"}).(*JoinResult)
	require.Equal(t, first, again)
	require.Equal(t, Node{ID: 2, StoreID: "s2", Address: "b:2"}, s.Nodes()[1])
	other := step(t, s, &JoinArgs{StoreID: "s3", Address: "b:2"}).(*JoinResult)
	require.Equal(t, routing.NodeID(3), other.Node)
}

// TestDrain: the mark is a row; it survives a move and reports; the last one cannot drain.
func TestDrain(t *testing.T) {
	s := founded(t)
	_, _, err := s.Evaluate(&DrainArgs{Node: 1})
	require.ErrorContains(t, err, "shard 2", "nobody else votes there")
	second := step(t, s, &JoinArgs{StoreID: "s2", Address: "b:1"}).(*JoinResult).Node
	wide := described(2, "\x01", "", 2)
	wide.Replicas = append(wide.Replicas, routing.Replica{ID: 21, Node: second, Role: routing.Voter})
	report(t, s, wide)

	version := s.version
	require.Equal(t, version+1, step(t, s, &DrainArgs{Node: 1}).(*DrainResult).Version)
	require.True(t, s.Nodes()[0].Draining)
	rows, _, err := s.Evaluate(&DrainArgs{Node: 1})
	require.NoError(t, err)
	require.Empty(t, rows, "asked again, nothing changes")
	step(t, s, &JoinArgs{StoreID: "s1", Address: "a:2"})
	step(t, s, &ReportArgs{Node: 1, Address: "a:3"})
	require.Equal(t, Node{ID: 1, StoreID: "s1", Address: "a:3", Draining: true}, s.Nodes()[0])
	_, _, err = s.Evaluate(&DrainArgs{Node: second})
	require.ErrorContains(t, err, "shard 2", "the other one drains already")
	step(t, s, &DrainArgs{Node: 1, Undo: true})
	require.False(t, s.Nodes()[0].Draining)
}

// TestListSince: who has the version already is told nothing more.
func TestListSince(t *testing.T) {
	s := founded(t)
	all := step(t, s, &ListArgs{}).(*ListResult)
	require.Len(t, all.Shards, 1)
	same := step(t, s, &ListArgs{Since: all.Version}).(*ListResult)
	require.Empty(t, same.Shards)
	report(t, s, described(3, "m", "", 2))
	require.Len(t, step(t, s, &ListArgs{Since: all.Version}).(*ListResult).Shards, 2)
}

// TestMistakes are the caller's, and change nothing.
func TestMistakes(t *testing.T) {
	s := founded(t)
	for _, req := range []any{&JoinArgs{}, &ReportArgs{Node: 9}, &AllocateArgs{}, &AllocateArgs{ReplicaCount: 1000}, &DrainArgs{Node: 9}, 7} {
		rows, _, err := s.Evaluate(req)
		require.ErrorAs(t, err, new(*mvcc.InvalidError), "%T", req)
		require.Empty(t, rows)
	}
	require.Error(t, s.Apply([]mvcc.SystemRow{{Name: "nobody's"}}))
	require.Error(t, s.Apply([]mvcc.SystemRow{{Name: rowCeiling, Value: []byte("x")}}))
}

// TestCeilingNeverFalls: P11.
func TestCeilingNeverFalls(t *testing.T) {
	s := founded(t)
	require.NoError(t, s.Apply([]mvcc.SystemRow{CeilingRow(3000), CeilingRow(2000)}))
	require.EqualValues(t, 3000, s.Ceiling())
}

// TestIDsAreNeverGivenTwice: not to nodes, shards or replicas, whatever else happens, and
// not after a restart from the rows either.
func TestIDsAreNeverGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := founded(t)
		kept := map[string][]byte{}
		take := func(req any) any {
			rows, answer, err := s.Evaluate(req)
			require.NoError(t, err)
			require.NoError(t, s.Apply(rows))
			for _, r := range rows {
				kept[r.Name] = r.Value
			}
			return answer
		}
		for _, r := range founding() {
			kept[r.Name] = r.Value
		}
		nodes := map[routing.NodeID]string{1: "s1"}
		shards := map[routing.ShardID]bool{2: true}
		replicas := map[routing.ReplicaID]bool{20: true}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				store := rapid.StringMatching(`s[1-6]`).Draw(t, "store")
				id := take(&JoinArgs{StoreID: store, Address: "x:1"}).(*JoinResult).Node
				if before, known := nodes[id]; known {
					require.Equal(t, before, store)
				}
				nodes[id] = store
			case 1:
				got := take(&AllocateArgs{ReplicaCount: rapid.IntRange(1, 5).Draw(t, "n")}).(*AllocateResult)
				require.False(t, shards[got.Shard])
				shards[got.Shard] = true
				for _, id := range got.Replicas {
					require.False(t, replicas[id])
					replicas[id] = true
				}
			case 2: // restart
				var rows []mvcc.SystemRow
				for name, value := range kept {
					rows = append(rows, mvcc.SystemRow{Name: name, Value: value})
				}
				again, err := Load(rows)
				require.NoError(t, err)
				require.Equal(t, s, again)
				s = again
			}
		}
	})
}
