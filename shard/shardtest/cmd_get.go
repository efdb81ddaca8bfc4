package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdGet: get KEY… [at=N|fresh] [node=N] [as=NAME] [still] reads; without at, the newest.
func (s *script) cmdGet() string {
	a := &mvcc.GetArgs{Keys: s.keys(), ReadTS: s.readAt()}
	return s.ask(s.member(), a)
}
