package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdCheck: check start=N primary=k now=N met=N [wait] judges a transaction for a visitor.
func (s *script) cmdCheck() string {
	return s.ask(s.member(), &mvcc.CheckTxnArgs{Start: s.at("start"), Primary: mvcc.Key(s.text("primary", "")),
		Now: s.at("now"), MetExpires: s.at("met"), Wait: s.has("wait")})
}
