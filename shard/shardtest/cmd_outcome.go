package shardtest

import "github.com/shaledb/shale/mvcc"

// cmdOutcome: outcome start=N primary=k asks what is recorded of a transaction.
func (s *script) cmdOutcome() string {
	return s.ask(s.member(), &mvcc.OutcomeArgs{Start: s.at("start"), Primary: mvcc.Key(s.text("primary", ""))})
}
