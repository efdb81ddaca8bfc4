package shardtest

// cmdAnswer: answer NAME prints what a named request has heard by now.
func (s *script) cmdAnswer() string {
	out := ""
	for _, w := range s.words() {
		id, ok := s.named[w]
		if !ok {
			s.d.Fatalf(s.t, "no request %s", w)
		}
		out += s.answer(id) + "\n"
	}
	return out
}
