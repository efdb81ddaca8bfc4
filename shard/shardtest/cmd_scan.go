package shardtest

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// cmdScan: scan [from=k] [to=k] [at=N|fresh] [limit=N] [reverse=1].
func (s *script) cmdScan() string {
	at := s.readAt()
	if at == 0 {
		at = s.c.Timestamp()
	}
	a := &mvcc.ScanArgs{ReadTS: at, Span: mvcc.Span{Start: mvcc.Key(s.text("from", "\x01")), End: mvcc.Key(s.text("to", ""))},
		Limit: s.number("limit", 0), Reverse: s.number("reverse", 0) == 1}
	return s.ask(s.member(), a)
}

// readAt is the argument at: a timestamp, or "fresh" for one just drawn.
func (s *script) readAt() timestamp.Timestamp {
	if s.text("at", "") == "fresh" {
		return s.c.Timestamp()
	}
	return s.at("at")
}
