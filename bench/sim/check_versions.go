package sim

import (
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
)

// checkVersions: the pages at one cut hold all versions at or below it that were asked for, each
// once, by key and from new to old, and none above; whatever was committed, split or flushed
// between two pages.
func (w *world) checkVersions(t truth) {
	for i := range w.history.browsed {
		b := &w.history.browsed[i]
		want := t.browse(&b.asked)
		for j := range max(len(want), len(b.rows)) {
			switch {
			case j >= len(b.rows):
				w.fail("the versions %s lack that of %s at %s", cutOf(&b.asked), mvcc.FormatKey(want[j].Key), want[j].CommitTS)
			case j >= len(want) || !asWritten(&want[j], &b.rows[j]):
				w.fail("the versions %s have %s where %s belongs", cutOf(&b.asked), versionsOf(b.rows[j:j+1]), versionsOf(one(want, j)))
			default:
				continue
			}
			return
		}
	}
}

func one(vs []mvcc.Version, i int) []mvcc.Version {
	if i >= len(vs) {
		return []mvcc.Version{{}}
	}
	return vs[i : i+1]
}

func asWritten(a, b *mvcc.Version) bool {
	return a.Key == b.Key && a.CommitTS == b.CommitTS && a.StartTS == b.StartTS && a.Op == b.Op && string(a.Value) == string(b.Value)
}

// browse is what was to be shown.
func (t truth) browse(a *mvcc.VersionsArgs) (out []mvcc.Version) {
	var keys []mvcc.Key
	for k := range t {
		if a.Span.Contains(k) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		above := false
		for _, v := range t[k] {
			if v.CommitTS > a.ReadTS || a.StartTS != 0 && v.StartTS != a.StartTS {
				continue
			}
			if a.KeysOnly {
				v.Value = nil
			}
			if v.CommitTS > a.Above {
				above = true
				out = append(out, v)
				continue
			}
			if a.Base && above {
				out = append(out, v)
			}
			break
		}
	}
	return out
}

// cutOf names what was asked for.
func cutOf(a *mvcc.VersionsArgs) string {
	out := fmt.Sprintf("of [%s, %s) at %s", mvcc.FormatKey(a.Span.Start), mvcc.FormatKey(a.Span.End), a.ReadTS)
	if a.Above != 0 {
		out += fmt.Sprintf(" above %s", a.Above)
	}
	if a.Base {
		out += ", with the newest of those below"
	}
	if a.StartTS != 0 {
		out += fmt.Sprintf(", of %s alone", a.StartTS)
	}
	return out
}
