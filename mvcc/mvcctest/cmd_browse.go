package mvcctest

import (
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// cmdVersions: versions at= [start-key=] [end-key=] [after=KEY:TS] [above=] [base] [by=START]
// [limit=] [max-bytes=] [keys-only]. One page; "pages" reads on until there is no more.
func (h *harness) cmdVersions(s *script) string {
	a := &mvcc.VersionsArgs{ReadTS: s.ts("at", timestamp.Max), Above: s.ts("above", 0), Base: s.HasArg("base"),
		StartTS: s.ts("by", 0), Limit: s.number("limit"), MaxBytes: s.number("max-bytes"), KeysOnly: s.HasArg("keys-only"),
		Span: mvcc.Span{Start: s.bound("start-key"), End: s.bound("end-key")}}
	a.After.Key, a.After.CommitTS = s.name("after")
	h.checkVersions(s, a)
	var out strings.Builder
	for {
		open := func(after mvcc.VersionName) iter.Seq2[mvcc.Version, error] {
			return h.e.Versions(a.Span, after, timestamp.Max, a.KeysOnly)
		}
		page, err := mvcc.VersionsPage(open, a, a.Span)
		s.require(err)
		for _, v := range page.Versions {
			fmt.Fprintln(&out, versionLine(v))
		}
		if !page.More {
			return out.String() + "end"
		}
		fmt.Fprintf(&out, "more, behind %s:%s\n", mvcc.FormatKey(page.Resume.Key), page.Resume.CommitTS)
		if !s.HasArg("pages") {
			return out.String() + "end"
		}
		a.After = page.Resume
	}
}

// checkVersions holds what the engine lists against what it says of each key, one by one.
func (h *harness) checkVersions(s *script, a *mvcc.VersionsArgs) {
	var want []mvcc.Version
	for _, k := range h.allKeys() {
		if !a.Span.Contains(k) || k < a.After.Key {
			continue
		}
		history, err := h.history(k)
		s.require(err)
		for _, v := range history {
			if v.CommitTS <= a.ReadTS && (k != a.After.Key || v.CommitTS < a.After.CommitTS) {
				if a.KeysOnly {
					v.Value, v.ValueID = nil, 0
				}
				want = append(want, v)
			}
		}
	}
	if got := gather(s, h.e.Versions(a.Span, a.After, a.ReadTS, a.KeysOnly)); !reflect.DeepEqual(want, got) {
		s.Fatalf(s.t, "one by one the keys have %v, but the list is %v", want, got)
	}
}

// cmdRecords: records [start-key=] [end-key=] [after=KEY:START] [by=START] [limit=] [pages].
func (h *harness) cmdRecords(s *script) string {
	a := &mvcc.RecordsArgs{StartTS: s.ts("by", 0), Limit: s.number("limit"),
		Span: mvcc.Span{Start: s.bound("start-key"), End: s.bound("end-key")}}
	a.After.Key, a.After.StartTS = s.name("after")
	var narrow []mvcc.Record
	for _, r := range gather(s, h.e.Records(mvcc.Span{}, a.After, a.StartTS)) {
		if a.Span.Contains(r.Key) {
			narrow = append(narrow, r)
		}
	}
	if got := gather(s, h.e.Records(a.Span, a.After, a.StartTS)); !reflect.DeepEqual(narrow, got) {
		s.Fatalf(s.t, "of all records the span has %v, but its list is %v", narrow, got)
	}
	var out strings.Builder
	for {
		page, err := mvcc.RecordsPage(h.e.Records(mvcc.Span{}, a.After, a.StartTS), a, a.Span)
		s.require(err)
		for _, r := range page.Records {
			fmt.Fprintln(&out, recordLine(r))
		}
		if !page.More {
			return out.String() + "end"
		}
		fmt.Fprintf(&out, "more, behind %s:%s\n", mvcc.FormatKey(page.Resume.Key), page.Resume.StartTS)
		if !s.HasArg("pages") {
			return out.String() + "end"
		}
		a.After = page.Resume
	}
}

// name is an argument KEY:TIMESTAMP; absent: the zero name.
func (s *script) name(arg string) (mvcc.Key, timestamp.Timestamp) {
	v, ok := s.Arg(arg)
	if !ok {
		return "", 0
	}
	text, ts, _ := strings.Cut(v.SingleVal(s.t), ":")
	k, err := mvcc.ParseKey(text)
	s.require(err)
	at, err := strconv.ParseUint(ts, 10, 63)
	s.require(err)
	return k, timestamp.Timestamp(at)
}

func gather[T any](s *script, rows iter.Seq2[T, error]) (out []T) {
	for row, err := range rows {
		s.require(err)
		out = append(out, row)
	}
	return out
}
