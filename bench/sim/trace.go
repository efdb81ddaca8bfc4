package sim

import (
	"fmt"
	"io"
	"math/bits"
	"strings"
	"time"

	"github.com/shaledb/shale/shard/routing"
)

// note says what an event is: a word and some numbers, so that noting it costs little.
type note struct {
	kind  string
	node  int // that it comes from, or is about
	shard routing.ShardID
	n     uint64 // a transaction, a term, an index, a number
}

func (n note) String() string {
	var b strings.Builder
	b.WriteString(n.kind)
	switch {
	case n.node > nodeCount:
		fmt.Fprintf(&b, " client%d", n.node-firstClient+1)
	case n.node > 0:
		fmt.Fprintf(&b, " node%d", n.node)
	}
	if n.shard > 0 {
		fmt.Fprintf(&b, " shard %d", n.shard)
	}
	if n.n > 0 {
		fmt.Fprintf(&b, " (%d)", n.n)
	}
	return b.String()
}

// traceLines is how many of the last lines a failure shows.
const traceLines = 120

// trace hashes all that happened and remembers the end of it.
type trace struct {
	hash  uint64
	count int
	last  []traceLine // a ring, once it is full
	head  int         // its oldest
	out   io.Writer
}

type traceLine struct {
	at   time.Duration
	p    *process
	what note
	text string // of a remark
}

func newTrace(out io.Writer) trace {
	return trace{hash: 1, last: make([]traceLine, 0, traceLines), out: out}
}

func (t *trace) add(at time.Duration, p *process, what note) {
	t.count++
	t.mix(uint64(at))
	if p != nil {
		t.mix(uint64(p.id))
	}
	t.text(what.kind)
	t.mix(uint64(what.node))
	t.mix(uint64(what.shard))
	t.mix(what.n)
	if quiet(what.kind) {
		return
	}
	t.remember(traceLine{at: at, p: p, what: what})
}

// quiet says whether a kind of event is too common to be worth a line.
func quiet(kind string) bool {
	switch kind {
	case "tick", "turn", "beat", "answer", "sync", "look", "wake", "keep":
		return true
	}
	return false
}

func (t *trace) remember(l traceLine) {
	if t.out != nil {
		fmt.Fprintln(t.out, l)
	}
	if len(t.last) < traceLines {
		t.last = append(t.last, l)
		return
	}
	t.last[t.head] = l
	t.head = (t.head + 1) % traceLines
}

// end is the last lines, oldest first.
func (t *trace) end() []string {
	var out []string
	for i := range t.last {
		out = append(out, t.last[(t.head+i)%len(t.last)].String())
	}
	return out
}

func (t *trace) sum() uint64 { return t.hash }

// mix takes a number into the hash, and text a string.
func (t *trace) mix(x uint64) {
	high, low := bits.Mul64(t.hash^x, 0x9e3779b97f4a7c15)
	t.hash = high ^ low ^ x
}

func (t *trace) text(s string) {
	for len(s) > 0 {
		word, n := uint64(len(s)), min(8, len(s))
		for i := range n {
			word = word<<8 | uint64(s[i])
		}
		t.mix(word)
		s = s[n:]
	}
}

// spell writes a line for the whole trace alone.
func (w *world) spell(p *process, format string, args ...any) {
	if w.trace.out != nil {
		fmt.Fprintln(w.trace.out, traceLine{at: w.now, p: p, text: fmt.Sprintf(format, args...)})
	}
}

func (w *world) spellAnswer(p *process, req routing.Request, res routing.Response, err error) {
	if err != nil {
		w.spell(p, "hears of %s (%d): %v", word(req), startOf(req), err)
		return
	}
	w.spell(p, "hears of %s (%d): %s", word(req), startOf(req), spelt(res))
}

// remark adds a readable line to the trace.
func (w *world) remark(p *process, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.trace.text(text)
	w.trace.remember(traceLine{at: w.now, p: p, text: text})
}

func (l traceLine) String() string {
	who := "world"
	if l.p != nil {
		who = l.p.name
	}
	what := l.text
	if what == "" {
		what = l.what.String()
	}
	return fmt.Sprintf("%12s  %-8s %s", l.at.Round(time.Microsecond), who, what)
}

// Failure is a broken promise: which, what came before it, and how to see it again.
type Failure struct {
	Seed   uint64
	Mutant Mutant
	At     time.Duration
	What   string
	Trace  []string
}

func (f *Failure) Error() string {
	replay := fmt.Sprintf("make sim SEED=%d", f.Seed)
	if f.Mutant != None {
		replay = fmt.Sprintf("go test ./bench/sim -run TestSeeds -v -args -seed=%d -mutant=%q", f.Seed, f.Mutant)
	}
	return fmt.Sprintf("seed %d, after %s: %s\n\nthe last events:\n%s\n\nreplay: %s",
		f.Seed, f.At, f.What, strings.Join(f.Trace, "\n"), replay)
}

// fail ends the run. The first failure counts: what follows it may be its consequence.
func (w *world) fail(format string, args ...any) {
	if w.fault != nil {
		return
	}
	w.fault = &Failure{Seed: w.opt.Seed, Mutant: w.opt.Mutant, At: w.now, What: fmt.Sprintf(format, args...)}
	w.fault.Trace = w.trace.end()
}
