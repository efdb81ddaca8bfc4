package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdRollback: rollback start=N KEY… [primary=k].
func (s *script) cmdRollback() string {
	a := &mvcc.RollbackArgs{Start: s.at("start"), Keys: s.keys()}
	a.Primary = s.primary(a.Keys)
	return s.ask(s.member(), a)
}
