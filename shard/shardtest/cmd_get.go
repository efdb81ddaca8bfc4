package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdGet: get KEY… [at=N|fresh] [own=N primary=k] [node=N] [as=NAME] [still] reads; without at,
// the newest. With primary it is a read of a transaction that holds claims.
func (s *script) cmdGet() string {
	a := &mvcc.GetArgs{Keys: s.keys(), ReadTS: s.readAt(), Own: s.at("own"), Primary: mvcc.Key(s.text("primary", ""))}
	return s.ask(s.member(), a)
}
