package shardtest

import "time"

// cmdPass: pass 500ms lets time pass.
func (s *script) cmdPass() string {
	for _, w := range s.words() {
		d, err := time.ParseDuration(w)
		if err != nil {
			s.d.Fatalf(s.t, "%v", err)
		}
		s.c.Pass(d)
	}
	return "ok"
}
