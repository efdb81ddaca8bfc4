package elle

import (
	"slices"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// observations are what committed transactions saw and did, with keys as numbers.
type observations struct {
	txns      []history.Txn
	committed []bool // by transaction
	numbers   map[mvcc.Key]int32
	lists     []list // by number of the key
	writers   map[element]write
	reads     []read
}

// list is what is known of one key.
type list struct {
	key     mvcc.Key
	looked  []int64 // the longest list whose elements were all looked at
	longest []int64 // the longest list read
	reader  int32   // who read that
	appends []write // of committed transactions
	// The order of versions: the elements of longest whose writers are committed, and for
	// each length of a beginning of longest, how many of them it holds.
	versions []write
	count    []int32
	unseen   []int32 // appends that longest does not hold, by their numbers
}

type element struct {
	key   int32
	value int64
}

// write is one append.
type write struct {
	txn    int32
	value  int64
	nth    int32 // among the transaction's appends to the key
	last   bool  // of them
	atomic bool  // all of its appends to the key are done by the store
}

// read is what a transaction read of a key before its own appends.
type read struct {
	txn  int32
	key  int32
	list []int64
}

// observe gathers what the committed transactions saw, and decides which of those with an
// unknown outcome are committed: whom a committed one has seen.
func observe(txns []history.Txn, r *Report) *observations {
	reads, appends := 0, 0
	for i := range txns {
		for at := range txns[i].Ops {
			if txns[i].Ops[at].Do.Appends() {
				appends++
			} else {
				reads++
			}
		}
	}
	x := &observations{txns: txns, committed: make([]bool, len(txns)), numbers: map[mvcc.Key]int32{},
		writers: make(map[element]write, appends), reads: make([]read, 0, reads)}
	var queue []int32
	for i := range txns {
		x.index(int32(i), r)
		if txns[i].Outcome == history.OK {
			x.committed[i] = true
			queue = append(queue, int32(i))
		}
	}
	for n := 0; n < len(queue); n++ {
		for _, seen := range x.look(queue[n], r) {
			if !x.committed[seen] {
				x.committed[seen] = true
				queue = append(queue, seen)
			}
		}
	}
	x.count(r)
	return x
}

// number is the key's number.
func (x *observations) number(k mvcc.Key) int32 {
	n, ok := x.numbers[k]
	if !ok {
		n = int32(len(x.lists))
		x.numbers[k] = n
		x.lists = append(x.lists, list{key: k})
	}
	return n
}

// index enters a transaction's appends.
func (x *observations) index(i int32, r *Report) {
	ops := x.txns[i].Ops
	for at := range ops {
		op := &ops[at]
		k := x.number(op.Key)
		if !op.Do.Appends() {
			continue
		}
		w := write{txn: i, value: op.Value}
		for j := range at {
			if ops[j].Do.Appends() && ops[j].Key == op.Key {
				w.nth++
			}
		}
		w.last = !slices.ContainsFunc(ops[at+1:], func(later history.Op) bool {
			return later.Do.Appends() && later.Key == op.Key
		})
		w.atomic = !slices.ContainsFunc(ops, func(other history.Op) bool {
			return other.Do == history.Append && other.Key == op.Key
		})
		e := element{k, op.Value}
		if other, ok := x.writers[e]; ok {
			r.Add("invalid history", "%d was appended to %s twice:%s", op.Value, mvcc.FormatKey(op.Key), x.people(other.txn, i))
		}
		x.writers[e] = w
	}
}

func (x *observations) count(r *Report) {
	for i := range x.txns {
		switch {
		case !x.committed[i] && x.txns[i].Outcome == history.Aborted:
			r.Aborted++
		case !x.committed[i]:
			r.Unseen++
		default:
			r.Committed++
			for at := range x.txns[i].Ops {
				if op := &x.txns[i].Ops[at]; op.Do.Appends() {
					r.Appends++
					k := x.numbers[op.Key]
					x.lists[k].appends = append(x.lists[k].appends, x.writers[element{k, op.Value}])
				} else {
					r.Reads++
				}
			}
		}
	}
	r.Keys = len(x.lists)
}

// look goes through a committed transaction's reads: it must agree with itself, and what it
// saw must be committed and whole. It returns those of unknown outcome whom it saw.
func (x *observations) look(i int32, r *Report) []int32 {
	var seen []int32
	ops := x.txns[i].Ops
	for at := range ops {
		if ops[at].Do != history.Read {
			continue
		}
		external, ok := x.external(i, at, r)
		if !ok {
			continue
		}
		k := x.numbers[ops[at].Key]
		x.reads = append(x.reads, read{txn: i, key: k, list: external})
		seen = append(seen, x.elements(i, k, external, r)...)
		if n := len(external); n > 0 {
			w, ok := x.writers[element{k, external[n-1]}]
			if ok && !w.last && w.txn != i {
				r.Add("G1b", "an intermediate version was read: %d is not the last that its transaction appended to %s%s",
					w.value, mvcc.FormatKey(ops[at].Key), x.people(w.txn, i))
			}
		}
	}
	return seen
}

// external is what the read at ops[at] says of others' appends: the list without the
// transaction's own. False: it says nothing new, or the transaction contradicts itself.
func (x *observations) external(i int32, at int, r *Report) ([]int64, bool) {
	ops := x.txns[i].Ops
	got := ops[at].List
	var own []int64
	var before []int64
	known := false
	for j := range at {
		switch {
		case ops[j].Key != ops[at].Key:
		case ops[j].Do.Appends():
			own = append(own, ops[j].Value)
		default:
			before, known = ops[j].List[:len(ops[j].List)-min(len(own), len(ops[j].List))], true
		}
	}
	n := len(got) - len(own)
	if n < 0 || !slices.Equal(got[n:], own) || known && !slices.Equal(got[:n], before) {
		want := "itself appended " + history.FormatList(own)
		if known {
			want = "had read " + history.FormatList(before) + " and " + want
		}
		r.Add("internal", "a transaction contradicts itself: it %s, and then read %s = %s%s", want,
			mvcc.FormatKey(ops[at].Key), history.FormatList(got), x.people(i))
		return nil, false
	}
	for j := at + 1; j < len(ops); j++ {
		if ops[j].Do.Appends() && ops[j].Key == ops[at].Key && slices.Contains(got[:n], ops[j].Value) {
			r.Add("internal", "a transaction read %s = %s, before it appended %d itself%s", mvcc.FormatKey(ops[at].Key),
				history.FormatList(got), ops[j].Value, x.people(i))
			return nil, false
		}
	}
	return got[:n], !known
}

// elements looks at each element of a list, once for each beginning that was met before.
func (x *observations) elements(i, k int32, l []int64, r *Report) []int32 {
	var seen []int32
	ls := &x.lists[k]
	if len(l) > len(ls.longest) {
		ls.longest, ls.reader = l, i
	}
	n := history.CommonPrefix(l, ls.looked)
	for at := n; at < len(l); at++ {
		w, ok := x.writers[element{k, l[at]}]
		switch {
		case !ok:
			r.Add("garbage", "%s = %s was read, but nobody appended %d%s", mvcc.FormatKey(ls.key), history.FormatList(l), l[at], x.people(i))
		case x.txns[w.txn].Outcome == history.Aborted:
			r.Add("G1a", "an aborted transaction was seen: %d in %s = %s%s", l[at], mvcc.FormatKey(ls.key), history.FormatList(l), x.people(w.txn, i))
		case x.txns[w.txn].Outcome == history.Unknown:
			seen = append(seen, w.txn)
		}
		if slices.Contains(l[:at], l[at]) {
			r.Add("duplicate", "%d stands in %s = %s twice%s", l[at], mvcc.FormatKey(ls.key), history.FormatList(l), x.people(i))
		}
	}
	if n == len(ls.looked) && len(l) > n {
		ls.looked = l
	}
	return seen
}
