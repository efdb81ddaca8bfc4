package bench

import (
	"time"

	"github.com/shaledb/shale/mvcc"
)

// Options of one run. The zero value runs 16 threads for ten seconds.
type Options struct {
	// Threads is how many operations are under way at once; 0: 16.
	Threads int
	// Duration and Operations bound the measured part: whichever is reached first. Both
	// zero: ten seconds.
	Duration   time.Duration
	Operations int64
	// WarmUp runs before and is not measured.
	WarmUp time.Duration
	// Target is operations a second over all threads; 0: as fast as they come back. With a
	// target latency counts from the intended start.
	Target float64
	// Timeout bounds one operation, to between three quarters of it and all; 0: 30 s.
	Timeout time.Duration
	// Watchers is how many check a Watched workload beside the threads; 0: one. Negative: none.
	Watchers int
	// Seed makes the run repeatable; 0: one is drawn. The report says it.
	Seed uint64
	// SkipPrepare takes the data as they are; SkipVerify leaves them unchecked.
	SkipPrepare, SkipVerify bool
	// Patience is how long Prepare and Verify try again on a store that is not available at
	// the moment; 0: a minute.
	Patience time.Duration
	// Meter, if any, is read before and after the measured part: what it cost the store.
	Meter Meter
	// Quiet leaves the progress lines out.
	Quiet bool
}

// validated fills the defaults in.
func (o Options) validated() (Options, error) {
	if o.Threads < 0 || o.Duration < 0 || o.Operations < 0 || o.WarmUp < 0 || o.Target < 0 || o.Timeout < 0 || o.Patience < 0 {
		return o, &mvcc.InvalidError{Reason: "OPTIONS", What: "a negative option",
			Hint: "threads, durations, counts and rates are zero or more"}
	}
	orDefault(&o.Threads, 16)
	if o.Duration == 0 && o.Operations == 0 {
		o.Duration = 10 * time.Second
	}
	orDefault(&o.Timeout, 30*time.Second)
	orDefault(&o.Watchers, 1)
	orDefault(&o.Patience, time.Minute)
	if o.Seed == 0 {
		o.Seed = uint64(time.Now().UnixNano())
	}
	return o, nil
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func secondsOf(n int64) time.Duration { return time.Duration(n) * time.Second }
