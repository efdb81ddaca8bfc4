package timestamp

import "time"

// OracleConfig bounds an oracle. The zero value means the defaults.
type OracleConfig struct {
	// Ahead is how far above the wall clock a ceiling is persisted; 3 s.
	Ahead time.Duration
	// Step is how far a ceiling moves while the oracle is ahead of the wall clock; 100 ms.
	Step time.Duration
	// StepMax is how far one ceiling may lie above the one before, however far the wall
	// clock leapt; 1 hour.
	StepMax time.Duration
}

func (c OracleConfig) withDefaults() OracleConfig {
	if c.Ahead <= 0 {
		c.Ahead = 3 * time.Second
	}
	if c.Step <= 0 {
		c.Step = 100 * time.Millisecond
	}
	if c.StepMax <= 0 {
		c.StepMax = time.Hour
	}
	return c
}

// TakeMax is the most timestamps that one Take gives: those of one millisecond.
const TakeMax = 1 << CounterBits

// Oracle hands out timestamps below a persisted ceiling. It is stepped by the leader of the
// system group and belongs to one goroutine.
type Oracle struct {
	cfg     OracleConfig
	leading bool
	last    Timestamp // the newest given away, or the ceiling that this term found
	ceiling Timestamp // persisted
	asked   Timestamp // a ceiling on its way; zero: none
}

// NewOracle is an oracle out of office.
func NewOracle(cfg OracleConfig) *Oracle { return &Oracle{cfg: cfg.withDefaults()} }

// Lead begins a term of office above the ceiling found in the state. Nothing is served
// until a ceiling of this term is Persisted.
func (o *Oracle) Lead(ceiling Timestamp, _ time.Time) {
	o.leading = true
	o.last = max(o.last, ceiling)
	o.ceiling, o.asked = 0, 0
}

// Resign ends the term of office.
func (o *Oracle) Resign() { o.leading = false }

// Extend says which ceiling to persist next, if one is due: none persisted yet, or less than
// half of Ahead is left. It asks for each once; Forget makes it ask again.
func (o *Oracle) Extend(wall time.Time) (ceiling Timestamp, due bool) {
	if !o.leading || o.asked != 0 {
		return 0, false
	}
	now := At(wall)
	served := max(o.last, o.floor(now))
	left := o.ceiling > served.Add(o.cfg.Ahead/2)
	if o.last > now { // ahead of the wall clock: small steps, renewed when half used
		left = o.ceiling > served.Add(o.cfg.Step/2)
	}
	if left {
		return 0, false
	}
	next := now.Add(o.cfg.Ahead)
	if o.last > now {
		next = o.last.Add(o.cfg.Step)
	}
	if bound := max(o.ceiling, o.last).Add(o.cfg.StepMax); o.last > 0 && next > bound {
		next = bound
	}
	if next >= Max {
		return 0, false
	}
	o.asked = next
	return next, true
}

// floor is the wall clock's time, as far as the ceiling lets it be followed.
func (o *Oracle) floor(now Timestamp) Timestamp { return min(now, o.ceiling) }

// Persisted says that a ceiling is applied: timestamps up to it may be served.
func (o *Oracle) Persisted(ceiling Timestamp) {
	if !o.leading {
		return
	}
	o.ceiling = max(o.ceiling, ceiling)
	if ceiling >= o.asked {
		o.asked = 0
	}
}

// Forget says that the ceiling asked for was not persisted.
func (o *Oracle) Forget() { o.asked = 0 }

// Last is the newest timestamp given away in this or an earlier term served here.
func (o *Oracle) Last() Timestamp { return o.last }

// Take gives n consecutive timestamps, 1 to TakeMax, all above every one given before. Not
// ok: out of office, or the persisted ceiling is reached; nothing was given away.
func (o *Oracle) Take(wall time.Time, n int) (first Timestamp, ok bool) {
	if !o.leading || o.ceiling == 0 || n < 1 || n > TakeMax {
		return 0, false
	}
	first = max(o.last.Next(), o.floor(At(wall)))
	last := first + Timestamp(n-1)
	if last > o.ceiling || last >= Max {
		return 0, false
	}
	o.last = last
	return first, true
}
