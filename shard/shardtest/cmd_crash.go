package shardtest

// cmdCrash: crash node=N [power] stops every replica of a node; what was not synced is lost,
// and with power also what the stores have not made durable.
func (s *script) cmdCrash() string {
	n := s.number("node", 0)
	for _, m := range s.c.members {
		if int(m.Node) == n {
			m.crash(s.has("power"))
		}
	}
	return "ok"
}
