package elle

import (
	"cmp"
	"slices"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// orderVersions takes the longest list read of each key as the order of its versions. A read
// that is no beginning of it is reported, and says nothing from then on.
func (x *observations) orderVersions(r *Report) {
	x.reads = slices.DeleteFunc(x.reads, func(rd read) bool {
		ls := &x.lists[rd.key]
		if history.CommonPrefix(rd.list, ls.longest) == len(rd.list) {
			return false
		}
		r.Add("incompatible order", "two reads of %s agree on no order: %s and %s%s", mvcc.FormatKey(ls.key),
			history.FormatList(ls.longest), history.FormatList(rd.list), x.people(ls.reader, rd.txn))
		return true
	})
	for k := range x.lists {
		ls := &x.lists[k]
		ls.count = make([]int32, len(ls.longest)+1)
		for i, v := range ls.longest {
			// What nobody appended, or an aborted one did, is no version: it was reported.
			w, ok := x.writers[element{int32(k), v}]
			if ok && x.committed[w.txn] && !slices.Contains(ls.longest[:i], v) {
				ls.versions = append(ls.versions, w)
			}
			ls.count[i+1] = int32(len(ls.versions))
		}
		ls.findUnseen()
		ls.findTorn(x, r)
	}
}

// findTorn looks for a transaction whose appends to one list do not stand there together, in
// their order.
func (ls *list) findTorn(x *observations, r *Report) {
	before := write{txn: -1, last: true}
	for _, w := range ls.versions {
		want := int32(0)
		if w.txn == before.txn {
			want = before.nth + 1
		}
		if w.nth != want || w.txn != before.txn && !before.last {
			r.Add("torn append", "what one transaction appended to %s does not stand there together, in order: %s%s",
				mvcc.FormatKey(ls.key), history.FormatList(ls.longest), x.people(w.txn, max(before.txn, 0)))
			return
		}
		before = w
	}
}

// findLostUpdates looks for transactions that read the same version of a list and wrote it,
// without knowing of each other. The graph finds only those whose appends were seen.
func (x *observations) findLostUpdates(r *Report, level history.Level) {
	type update struct {
		key, txn int32
		length   int
	}
	var all []update
	for _, rd := range x.reads {
		for at := range x.txns[rd.txn].Ops {
			op := &x.txns[rd.txn].Ops[at]
			// An append of the store's own is not lost, whoever comes between; what was read
			// before it has only to hold at the commit of a serializable transaction.
			plain := op.Do == history.Append || op.Do == history.AtomicAppend && level == history.Serializable
			if plain && op.Key == x.lists[rd.key].key {
				all = append(all, update{rd.key, rd.txn, len(rd.list)})
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b update) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.length, b.length), cmp.Compare(a.txn, b.txn))
	})
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.key == b.key && a.length == b.length {
			ls := &x.lists[a.key]
			r.Add("lost update", "two transactions read %s = %s and both appended to it%s", mvcc.FormatKey(ls.key),
				history.FormatList(ls.longest[:a.length]), x.people(a.txn, b.txn))
		}
	}
}
