package shardtest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// cmdVersions: versions [from=k] [to=k] [at=N|fresh] [after=k:N] [above=N] [base=1] [by=N]
// [limit=N] asks for a page of versions.
func (s *script) cmdVersions() string {
	at := s.readAt()
	if at == 0 {
		at = s.c.Timestamp()
	}
	a := &mvcc.VersionsArgs{ReadTS: at, Span: s.span(), Above: s.at("above"), Base: s.number("base", 0) == 1,
		StartTS: s.at("by"), Limit: s.number("limit", 0)}
	a.After.Key, a.After.CommitTS = s.place("after")
	return s.ask(s.member(), a)
}

// cmdLocks: locks [from=k] [to=k] [after=k] [limit=N] asks for a page of the locks that stand.
func (s *script) cmdLocks() string {
	return s.ask(s.member(), &mvcc.LocksArgs{Span: s.span(), After: mvcc.Key(s.text("after", "")), Limit: s.number("limit", 0)})
}

// cmdRecords: records [from=k] [to=k] [after=k:N] [by=N] [limit=N] asks for a page of records.
func (s *script) cmdRecords() string {
	a := &mvcc.RecordsArgs{Span: s.span(), StartTS: s.at("by"), Limit: s.number("limit", 0)}
	a.After.Key, a.After.StartTS = s.place("after")
	return s.ask(s.member(), a)
}

// cmdQueue: queue [limit=N] asks who waits for locks.
func (s *script) cmdQueue() string {
	return s.ask(s.member(), &routing.QueueArgs{Limit: s.number("limit", 0)})
}

// cmdHot: hot [limit=N] asks for the busiest keys.
func (s *script) cmdHot() string {
	return s.ask(s.member(), &routing.HotArgs{Limit: s.number("limit", 0)})
}

func (s *script) span() mvcc.Span {
	return mvcc.Span{Start: mvcc.Key(s.text("from", "\x01")), End: mvcc.Key(s.text("to", ""))}
}

// place is an argument KEY:TIMESTAMP.
func (s *script) place(name string) (mvcc.Key, timestamp.Timestamp) {
	k, text, ok := strings.Cut(s.text(name, ""), ":")
	if !ok {
		return mvcc.Key(k), 0
	}
	var n uint64
	if _, err := fmt.Sscan(text, &n); err != nil {
		s.d.Fatalf(s.t, "%s: %v", text, err)
	}
	return mvcc.Key(k), timestamp.Timestamp(n)
}

// browsed prints what is answered to those who look inside; false: it is no such answer.
func browsed(res routing.Response) (string, bool) {
	var out []string
	row := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	more, resume := false, ""
	switch r := res.(type) {
	case *mvcc.VersionsResult:
		for _, v := range r.Versions {
			row("%s at %s by T%s: %s", mvcc.FormatKey(v.Key), v.CommitTS, v.StartTS, versions([]mvcc.Version{v}))
		}
		more, resume = r.More, fmt.Sprintf("%s:%s", mvcc.FormatKey(r.Resume.Key), r.Resume.CommitTS)
	case *mvcc.LocksResult:
		for _, l := range r.Locks {
			row("%s by T%s, %s, primary %s, from %s", mvcc.FormatKey(l.Key), l.StartTS, l.Kind, mvcc.FormatKey(l.Primary), l.MinCommitTS)
		}
		more, resume = r.More, mvcc.FormatKey(r.Resume)
	case *mvcc.RecordsResult:
		for _, c := range r.Records {
			row("T%s at %s: %s %s", c.StartTS, mvcc.FormatKey(c.Key), c.Decision, c.CommitTS)
		}
		more, resume = r.More, fmt.Sprintf("%s:%s", mvcc.FormatKey(r.Resume.Key), r.Resume.StartTS)
	case *routing.QueueResult:
		for _, w := range r.Waits {
			row("%s of T%s for T%s, %s, %s", w.Request, w.Waiter, w.Holder, mvcc.FormatKey(w.Key), w.For)
		}
		more = r.More
	case *routing.HotResult:
		row("%d reads, %d writes", r.Reads, r.Writes)
		for _, k := range r.Keys {
			row("%s: %.4g reads, %.4g writes, at most %.4g too many", mvcc.FormatKey(k.Key), k.Reads, k.Writes, k.Error)
		}
	default:
		return "", false
	}
	switch {
	case more && resume != "":
		row("more, behind %s", resume)
	case more:
		row("more")
	case len(out) == 0:
		row("nothing")
	}
	return strings.Join(out, "\n"), true
}
