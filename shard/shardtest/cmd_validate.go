package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdValidate: validate start=N [read=N] at=N|fresh KEY… [from=k] [to=k] asks whether what was
// read still stands: keys, and the span if there is from.
func (s *script) cmdValidate() string {
	a := &mvcc.ValidateArgs{Start: s.at("start"), ReadTS: s.at("read"), At: s.readAt(), Keys: s.keys()}
	if from := s.text("from", ""); from != "" {
		a.Spans = []mvcc.Span{{Start: mvcc.Key(from), End: mvcc.Key(s.text("to", ""))}}
	}
	return s.ask(s.member(), a)
}
