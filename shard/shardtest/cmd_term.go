package shardtest

// cmdTerm: term prints whether the term has moved since the last time.
func (s *script) cmdTerm() string {
	before := s.term
	s.term = s.member().R.Status(s.c.instant()).Term
	switch {
	case before == 0:
		return "noted"
	case before == s.term:
		return "the same"
	}
	return "another"
}
