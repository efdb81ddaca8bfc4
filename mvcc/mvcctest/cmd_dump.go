package mvcctest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// cmdDump: dump prints everything that stands on the keys that the script named. It asks
// the engine only what any reader may ask it, so that every engine prints the same.
func (h *harness) cmdDump(s *script) string {
	var out strings.Builder
	for _, l := range h.e.Locks() {
		fmt.Fprintln(&out, "lock    "+h.lockLine(l))
	}
	for _, k := range h.allKeys() {
		versions, err := h.history(k)
		s.require(err)
		for _, v := range versions {
			fmt.Fprintln(&out, "version "+versionLine(v))
		}
		mark, ok, err := h.newestMark(k)
		s.require(err)
		if ok {
			fmt.Fprintf(&out, "mark    %s at %s by T%s\n", mvcc.FormatKey(k), mark.CommitTS, mark.StartTS)
		}
		records, err := h.records(k, versions)
		s.require(err)
		for _, r := range records {
			fmt.Fprintln(&out, "record  "+recordLine(r))
		}
	}
	if out.Len() == 0 {
		return "nothing"
	}
	return out.String()
}

func (h *harness) allKeys() []mvcc.Key { return slices.Sorted(maps.Keys(h.keys)) }

// history is all versions of a key, newest first.
func (h *harness) history(k mvcc.Key) ([]mvcc.Version, error) {
	var out []mvcc.Version
	at := timestamp.Max
	for {
		v, ok, err := h.e.Get(k, at)
		if err != nil || !ok {
			return out, err
		}
		out = append(out, v)
		at = v.CommitTS.Prev()
	}
}

// newestMark is the key's newest mark, where no version is newer.
func (h *harness) newestMark(k mvcc.Key) (mvcc.Mark, bool, error) {
	v, ok, err := h.e.Newest(k, 0)
	if err != nil || !ok || v.Op != mvcc.OpMark {
		return mvcc.Mark{}, false, err
	}
	return mvcc.Mark{Key: k, CommitTS: v.CommitTS, StartTS: v.StartTS}, true, nil
}

// records is what is recorded at the key of all transactions of the script, without what is
// only made of a version or mark.
func (h *harness) records(k mvcc.Key, versions []mvcc.Version) ([]mvcc.Record, error) {
	var out []mvcc.Record
	for _, start := range slices.Sorted(maps.Keys(h.starts)) {
		r, ok, err := h.e.Own(k, start)
		if err != nil {
			return nil, err
		}
		made := r.Digest == (mvcc.Digest{}) // a version has its own digest, a record always one
		for _, v := range versions {
			made = made || v.StartTS == start && v.Digest == r.Digest
		}
		if ok && (r.Decision != mvcc.Committed || !made) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (h *harness) lockLine(l mvcc.Lock) string {
	out := fmt.Sprintf("%s by T%s, %s, primary %s, min commit %s, expires %s", mvcc.FormatKey(l.Key),
		l.StartTS, l.Kind, mvcc.FormatKey(l.Primary), l.MinCommitTS, l.Expires)
	if name := h.digests[l.Digest]; name != "" && name != "T"+l.StartTS.String() {
		out += ", content " + name
	}
	if l.Async {
		out += strings.TrimRight(", async "+keyList(l.Secondaries), " ")
	}
	return out
}

func versionLine(v mvcc.Version) string {
	if v.Op == mvcc.OpDelete {
		return fmt.Sprintf("%s at %s by T%s deleted", mvcc.FormatKey(v.Key), v.CommitTS, v.StartTS)
	}
	return fmt.Sprintf("%s at %s by T%s = %s", mvcc.FormatKey(v.Key), v.CommitTS, v.StartTS,
		mvcc.FormatValue(v.Value, 16))
}

func recordLine(r mvcc.Record) string {
	out := fmt.Sprintf("%s of T%s %s", mvcc.FormatKey(r.Key), r.StartTS, r.Decision)
	if r.Decision == mvcc.Committed {
		out += fmt.Sprintf(" at %s", r.CommitTS)
	}
	return out
}
