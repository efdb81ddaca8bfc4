package mvcctest

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// cmdScan: scan at= [start-key=] [end-key=] [limit=] [max-bytes=] [reverse] [keys-only] [own=].
func (h *harness) cmdScan(s *script) string {
	a := &mvcc.ScanArgs{ReadTS: s.ts("at", 0), Own: s.ts("own", 0), Limit: s.number("limit"),
		MaxBytes: s.number("max-bytes"), Reverse: s.HasArg("reverse"), KeysOnly: s.HasArg("keys-only"),
		Span: mvcc.Span{Start: s.bound("start-key"), End: s.bound("end-key")}}
	if line := h.refuseRead(a.Span, a.ReadTS, a.Own); line != "" {
		return line
	}
	page, err := mvcc.Page(h.e.Scan(a.Span, a.ReadTS, a.Reverse, a.KeysOnly), a, a.Span)
	s.require(err)
	var out strings.Builder
	for _, v := range page.Versions {
		fmt.Fprintf(&out, "%s = %s at %s\n", mvcc.FormatKey(v.Key), mvcc.FormatValue(v.Value, 16), v.CommitTS)
	}
	if page.More {
		fmt.Fprintf(&out, "more, from %s\n", mvcc.FormatKey(page.Resume))
	}
	return out.String() + "end"
}

// bound is a key that the dump does not list.
func (s *script) bound(name string) mvcc.Key {
	arg, ok := s.Arg(name)
	if !ok {
		return ""
	}
	k, err := mvcc.ParseKey(arg.SingleVal(s.t))
	s.require(err)
	return k
}
