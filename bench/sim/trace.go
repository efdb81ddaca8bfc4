package sim

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"strings"
	"time"
)

// note says what an event is: a word and up to three numbers, so that noting it costs
// little.
type note struct {
	kind    string
	a, b, c uint64
}

func (n note) String() string {
	s := n.kind
	for _, v := range [...]uint64{n.a, n.b, n.c} {
		if v != 0 {
			s += fmt.Sprintf(" %d", v)
		}
	}
	return s
}

// traceLines is how many of the last lines a failure shows.
const traceLines = 120

// trace hashes all that happened and remembers the end of it.
type trace struct {
	hash  hash.Hash64
	count int
	last  []traceLine // a ring
	buf   []byte
	out   io.Writer
}

type traceLine struct {
	at   time.Duration
	p    *process
	what note
	text string // of a remark
}

func newTrace(out io.Writer) trace {
	return trace{hash: fnv.New64a(), last: make([]traceLine, 0, traceLines), out: out}
}

func (t *trace) add(at time.Duration, p *process, what note) {
	t.count++
	b := binary.BigEndian.AppendUint64(t.buf[:0], uint64(at))
	if p != nil {
		b = binary.BigEndian.AppendUint64(b, uint64(p.id))
	}
	b = append(b, what.kind...)
	for _, v := range [...]uint64{what.a, what.b, what.c} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	t.hash.Write(b)
	t.buf = b
	if quiet(what.kind) {
		return
	}
	t.remember(traceLine{at: at, p: p, what: what})
}

// quiet says whether a kind of event is too common to be worth a line.
func quiet(kind string) bool {
	switch kind {
	case "tick", "turn", "beat", "answer", "sync", "look":
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
	copy(t.last, t.last[1:])
	t.last[traceLines-1] = l
}

func (t *trace) sum() uint64 { return t.hash.Sum64() }

// spell writes a line for the whole trace alone.
func (w *world) spell(p *process, format string, args ...any) {
	if w.trace.out != nil {
		fmt.Fprintln(w.trace.out, traceLine{at: w.now, p: p, text: fmt.Sprintf(format, args...)})
	}
}

// remark adds a readable line to the trace.
func (w *world) remark(p *process, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.trace.hash.Write([]byte(text))
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
	for _, l := range w.trace.last {
		w.fault.Trace = append(w.fault.Trace, l.String())
	}
}
