package shardtest

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// cmdSplit: split at=k right=N splits the shard; the right replicas' ids are right*10 + 1…
func (s *script) cmdSplit() string {
	right := s.number("right", 3)
	m := s.member()
	a := &routing.SplitArgs{Key: mvcc.Key(s.text("at", "")), Right: routing.ShardID(right)}
	for i := range m.R.Descriptor().Replicas {
		a.Replicas = append(a.Replicas, routing.ReplicaID(right*10+i+1))
	}
	return s.ask(m, a)
}
