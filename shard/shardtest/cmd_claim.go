package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdClaim: claim start=N KEY… [primary=k] [read=N] [fixed] [ttl=5s] lays claims. Fixed: the
// transaction has read at read.
func (s *script) cmdClaim() string {
	start := s.at("start")
	a := &mvcc.ClaimArgs{Start: start, ReadTS: s.at("read"), Keys: s.keys(), Expires: start.Add(s.lifetime()),
		Fixed: s.has("fixed")}
	a.Primary = s.primary(a.Keys)
	return s.ask(s.member(), a)
}

// cmdHeartbeat: heartbeat start=N primary=k until=10s moves the expiry of a primary's lock up.
func (s *script) cmdHeartbeat() string {
	return s.ask(s.member(), &mvcc.HeartbeatArgs{Start: s.at("start"), Primary: mvcc.Key(s.text("primary", "")),
		Expires: s.at("until")})
}
