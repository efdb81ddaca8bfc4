package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdResolved: resolved lists the locks that leaders have handed to the resolver since the
// last time.
func (s *script) cmdResolved() string {
	out := ""
	for _, l := range s.c.Resolved {
		out += mvcc.FormatKey(l.Key) + " of T" + l.StartTS.String() + "\n"
	}
	s.c.Resolved = nil
	if out == "" {
		return "none"
	}
	return out
}
