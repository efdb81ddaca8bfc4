package shardtest

// cmdRestart: restart node=N [lose=log|tail|commit|vote] starts a node's replicas from what is on disk.
func (s *script) cmdRestart() string {
	n := s.number("node", 0)
	out := ""
	for _, m := range s.c.members {
		if int(m.Node) != n || m.R != nil {
			continue
		}
		switch s.text("lose", "") {
		case "log":
			m.log = disk{}
		case "tail":
			m.log.entries = nil
		case "vote":
			m.log.hard.Term, m.log.hard.Vote = newNumber(1), newNumber(0)
		case "commit":
			m.log.hard.Commit = newNumber(uint64(m.log.cut))
		}
		if err := m.start(); err != nil {
			out += err.Error() + "\n"
			continue
		}
		out += "up\n"
	}
	return out
}

func newNumber(n uint64) *uint64 { return &n }
