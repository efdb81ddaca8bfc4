package bytime

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Report is what Check found.
type Report struct {
	Level    history.Level
	Reads    int // compared with the list at their timestamp
	Versions int
	history.Findings
}

// Summary is the verdict, and what it rests on.
func (r *Report) Summary() string {
	verdict := "all as they were promised"
	if !r.OK() {
		verdict = fmt.Sprintf("MISTAKES under %s: %s", r.Level, r.Counts())
	}
	return fmt.Sprintf("timestamps: %s\n       %d reads against %d versions", verdict, r.Reads, r.Versions)
}

// Check compares a history with its timestamps.
func Check(txns []history.Txn, level history.Level) *Report {
	c := &checker{Report: Report{Level: level}, txns: txns, lists: map[mvcc.Key]*list{}, unknown: map[int32]*bounds{}}
	c.index()
	for i := range txns {
		c.reads(int32(i))
	}
	for _, k := range c.keys {
		c.firstCommitter(k, c.lists[k])
	}
	for i := range txns {
		c.ownTimestamps(int32(i))
	}
	c.realTime()
	c.halfSeen()
	return &c.Report
}

type checker struct {
	Report
	txns    []history.Txn
	lists   map[mvcc.Key]*list
	keys    []mvcc.Key // of lists, in order of their appearance
	unknown map[int32]*bounds
}

// list is one key: its committed versions by commit timestamp, and who appended what.
type list struct {
	versions []version
	writers  map[int64]int32
	unsure   []int64 // appended by transactions of unknown outcome
}

type version struct {
	at    timestamp.Timestamp
	txn   int32
	op    int32 // in its transaction
	value int64
}

// index gathers the appends of all transactions.
func (c *checker) index() {
	for i := range c.txns {
		t := &c.txns[i]
		for at, op := range t.Ops {
			l := c.list(op.Key)
			if !op.Do.Appends() {
				continue
			}
			l.writers[op.Value] = int32(i)
			switch t.Outcome {
			case history.Unknown:
				l.unsure = append(l.unsure, op.Value)
			case history.OK:
				l.versions = append(l.versions, version{t.CommitTS, int32(i), int32(at), op.Value})
			}
		}
	}
	for _, l := range c.lists {
		slices.SortFunc(l.versions, func(a, b version) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.txn, b.txn), cmp.Compare(a.op, b.op))
		})
		c.Versions += len(l.versions)
	}
}

func (c *checker) list(k mvcc.Key) *list {
	l := c.lists[k]
	if l == nil {
		l = &list{writers: map[int64]int32{}}
		c.lists[k] = l
		c.keys = append(c.keys, k)
	}
	return l
}

// at is how many versions the list has at a timestamp.
func (l *list) at(ts timestamp.Timestamp) int {
	return sort.Search(len(l.versions), func(i int) bool { return l.versions[i].at > ts })
}

// reads compares all that a transaction read with what was there.
func (c *checker) reads(i int32) {
	t := &c.txns[i]
	if t.ReadTS == 0 || t.Unsteady && t.Outcome != history.OK {
		return
	}
	own := map[mvcc.Key]int{}
	for at := range t.Ops {
		op := &t.Ops[at]
		if op.Do.Appends() {
			own[op.Key]++
			continue
		}
		c.Reads++
		l := c.lists[op.Key]
		// Whether its own appends are there, and in order, is elle's matter.
		external := op.List[:max(0, len(op.List)-own[op.Key])]
		known := c.known(i, op, external)
		if want := l.values(l.at(t.ReadTS)); !slices.Equal(known, want) {
			c.wrongRead(i, op, l, known, want)
		}
		c.bound(i, op.Key, l, external)
		if c.Level == history.Serializable && t.Outcome == history.OK && t.Writes() {
			c.validated(i, op, l)
		}
	}
}

func (l *list) values(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = l.versions[i].value
	}
	return out
}

// known is a read list without the appends of transactions whose timestamp is not known.
func (c *checker) known(i int32, op *history.Op, list []int64) []int64 {
	var out []int64
	for n, v := range list {
		writer, ok := c.lists[op.Key].writers[v]
		switch {
		case !ok:
			c.add("garbage", []int32{i}, "%s = %s, but nobody appended %d", mvcc.FormatKey(op.Key), history.FormatList(op.List), v)
		case c.txns[writer].Outcome == history.Aborted:
			c.add("aborted read", []int32{i, writer}, "%s = %s, but %d was never committed", mvcc.FormatKey(op.Key), history.FormatList(op.List), v)
		case c.txns[writer].Outcome == history.OK:
			if out != nil {
				out = append(out, v)
			}
			continue
		}
		if out == nil { // the first that is left out
			out = append(make([]int64, 0, len(list)), list[:n]...)
		}
	}
	if out == nil {
		return list
	}
	return out
}

func (c *checker) wrongRead(i int32, op *history.Op, l *list, got, want []int64) {
	people := []int32{i}
	if n := history.CommonPrefix(got, want); n < len(want) {
		people = append(people, l.writers[want[n]])
	} else {
		people = append(people, l.writers[got[n]])
	}
	c.add("wrong read", people, "%s = %s at %s, but the list was %s then", mvcc.FormatKey(op.Key),
		history.FormatList(op.List), c.txns[i].ReadTS, history.FormatList(want))
}

// validated looks for somebody who changed what a serializable transaction had read, before
// it committed.
func (c *checker) validated(i int32, op *history.Op, l *list) {
	t := &c.txns[i]
	for _, v := range l.versions[l.at(t.ReadTS):] {
		if v.at >= t.CommitTS {
			return
		}
		if v.txn != i {
			c.add("not serializable", []int32{i, v.txn}, "%s, read at %s, was changed at %s, before the commit at %s",
				mvcc.FormatKey(op.Key), t.ReadTS, v.at, t.CommitTS)
			return
		}
	}
}

// firstCommitter looks for appends whose client had not read the list as it was.
func (c *checker) firstCommitter(k mvcc.Key, l *list) {
	for n := 1; n < len(l.versions); n++ {
		before, v := l.versions[n-1], l.versions[n]
		t := &c.txns[v.txn]
		switch {
		case before.txn == v.txn:
		case before.at == v.at:
			c.add("one timestamp", []int32{before.txn, v.txn}, "%s was changed by both at %s", mvcc.FormatKey(k), v.at)
		case before.at > t.ReadTS && appendsItself(t, k):
			c.add("first committer", []int32{v.txn, before.txn}, "%s was changed at %s, between the read at %s and the commit at %s",
				mvcc.FormatKey(k), before.at, t.ReadTS, v.at)
		}
	}
}

// appendsItself says whether the client has appended to the list, not only the store.
func appendsItself(t *history.Txn, k mvcc.Key) bool {
	return slices.ContainsFunc(t.Ops, func(op history.Op) bool { return op.Do == history.Append && op.Key == k })
}

// ownTimestamps looks at one transaction alone.
func (c *checker) ownTimestamps(i int32) {
	t := &c.txns[i]
	if t.ReadTS < t.ID && !t.Stale {
		c.add("timestamps", []int32{i}, "it reads before its start")
	}
	if t.Outcome == history.OK && t.Writes() && t.CommitTS <= max(t.ID, t.ReadTS) {
		c.add("timestamps", []int32{i}, "it is committed at or before its start")
	}
}

// realTime looks for transactions that began after an acknowledgement and read before it.
func (c *checker) realTime() {
	begins, ends := []int32{}, []int32{}
	for i := range c.txns {
		t := &c.txns[i]
		if t.ReadTS != 0 && !t.Stale {
			begins = append(begins, int32(i))
		}
		if t.Outcome == history.OK {
			ends = append(ends, int32(i))
		}
	}
	slices.SortFunc(begins, func(a, b int32) int { return cmp.Compare(c.txns[a].Begin, c.txns[b].Begin) })
	slices.SortFunc(ends, func(a, b int32) int { return cmp.Compare(c.txns[a].End, c.txns[b].End) })
	newest, n := int32(-1), 0
	for _, i := range begins {
		for ; n < len(ends) && c.txns[ends[n]].End < c.txns[i].Begin; n++ {
			if newest < 0 || c.txns[ends[n]].CommitTS > c.txns[newest].CommitTS {
				newest = ends[n]
			}
		}
		if newest >= 0 && c.txns[i].ReadTS < c.txns[newest].CommitTS {
			c.add("real time", []int32{i, newest}, "it began at %s and reads at %s, but a commit at %s was acknowledged at %s",
				c.txns[i].Begin, c.txns[i].ReadTS, c.txns[newest].CommitTS, c.txns[newest].End)
		}
	}
}

// add reports a mistake, with who took part in it.
func (c *checker) add(name string, who []int32, format string, args ...any) {
	c.Add(name, format+"%s", append(args, people{c.txns, who})...)
}

// people are transactions that are written out only when they are printed.
type people struct {
	txns []history.Txn
	who  []int32
}

// String is a line for who each is, and one for what each did.
func (p people) String() string {
	var b strings.Builder
	for n, i := range p.who {
		fmt.Fprintf(&b, "\n  T%-3d %s\n       %s", n+1, p.txns[i].Format(), p.txns[i].FormatOps())
	}
	return b.String()
}
