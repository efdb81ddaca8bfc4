package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdRollback: rollback start=N KEY… [primary=k] [fenced].
func (s *script) cmdRollback() string {
	a := &mvcc.RollbackArgs{Start: s.at("start"), Keys: s.keys(), Fenced: s.has("fenced")}
	a.Primary = s.primary(a.Keys)
	return s.ask(s.member(), a)
}
