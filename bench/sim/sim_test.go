package sim

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"testing/cryptotest"
	"time"
)

var (
	seeds = flag.Int("seeds", 10, "how many seeds TestSeeds runs")
	from  = flag.Uint64("from", 1, "the first of them")
	seed  = flag.Uint64("seed", 0, "the one seed that TestSeeds runs")
	first = flag.Bool("first", false, "TestSeeds ends with the first seed that fails")
	whole = flag.String("trace", "", "the file that gets the whole trace; - is the standard output")
	bug   = flag.String("mutant", "", "the planted bug that TestSeeds runs with")
	hush  = flag.Bool("quiet", false, "TestSeeds says nothing on its way")
)

// TestMain: a run is a few seconds of small garbage.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// run runs one seed with raft's own chance seeded too.
func run(t *testing.T, opt Options) (r Result) {
	t.Run(fmt.Sprintf("seed=%d", opt.Seed), func(t *testing.T) {
		switch *whole {
		case "":
		case "-":
			opt.Trace = os.Stdout
		default:
			f, err := os.Create(*whole)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			opt.Trace = f
		}
		cryptotest.SetGlobalRandom(t, opt.Seed)
		r = Run(opt)
	})
	return r
}

// totals are all runs together.
type totals struct {
	out     io.Writer
	began   time.Time
	said    time.Time
	used    time.Duration
	seeds   int
	failed  int
	events  int
	virtual time.Duration
	counts  Counts
}

func (s *totals) add(r Result) {
	s.seeds++
	s.events += r.Events
	s.virtual += r.Virtual
	s.counts.add(r.Counts)
	if r.Err != nil {
		s.failed++
	}
	if now := time.Now(); now.Sub(s.said) > 5*time.Second {
		s.said = now
		fmt.Fprintln(s.out, s)
	}
}

func (s *totals) String() string {
	wall, used := time.Since(s.began), processorTime()-s.used
	return fmt.Sprintf("%d seeds, %d failed; %s of simulated time in %s, %.0f times as fast (%s of processor time, %.0f times); %d events",
		s.seeds, s.failed, s.virtual.Round(time.Second), wall.Round(100*time.Millisecond), s.virtual.Seconds()/wall.Seconds(),
		used.Round(100*time.Millisecond), s.virtual.Seconds()/used.Seconds(), s.events)
}

// processorTime is what this process has used: other programs on the machine do not count.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSeeds runs seeds on the real protocols: all promises hold.
func TestSeeds(t *testing.T) {
	begin, end := *from, *from+uint64(*seeds)-1
	if *seed != 0 {
		begin, end = *seed, *seed
	}
	all := totals{out: os.Stdout, began: time.Now(), said: time.Now(), used: processorTime()}
	if *hush {
		all.out = io.Discard
	}
	for s := begin; s <= end && (all.failed == 0 || !*first); s++ {
		r := run(t, Options{Seed: s, Mutant: Mutant(*bug)})
		t.Logf("seed %d: hash %016x, %d events in %s; %s", s, r.Hash, r.Events, r.Virtual.Round(time.Millisecond), r.Counts)
		all.add(r)
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	fmt.Fprintf(all.out, "%s\n%s\n", &all, all.counts)
	if c := all.counts; end-begin >= 20 && (c.Committed == 0 || c.Faults[NodeKilled] == 0 || c.Repeats == 0) {
		t.Error("where nothing happened nothing was tested")
	}
}

// TestReplay: a seed run again gives the same trace, event by event.
func TestReplay(t *testing.T) {
	for _, s := range []uint64{1, 7, 17, 40, 123} {
		once := run(t, Options{Seed: s})
		if again := run(t, Options{Seed: s}); again.Hash != once.Hash || again.Events != once.Events {
			t.Errorf("seed %d gave the trace %016x, and %016x when it was run again", s, once.Hash, again.Hash)
		}
	}
}

// TestMutants: each bug planted at the windows breaks a promise that the checkers see. Those in
// the programs themselves are in package mutants.
func TestMutants(t *testing.T) {
	const most = 40
	for _, m := range Mutants() {
		t.Run(string(m), func(t *testing.T) {
			for s := uint64(1); s <= most; s++ {
				if r := run(t, Options{Seed: s, Mutant: m}); r.Err != nil {
					f := r.Err.(*Failure)
					t.Logf("seed %d, after %s: %s", f.Seed, f.At, f.What)
					return
				}
			}
			t.Errorf("%d seeds did not find it", most)
		})
	}
}
