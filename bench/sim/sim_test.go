package sim

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/cryptotest"
	"time"
)

var (
	seeds = flag.Int("seeds", 10, "how many seeds TestSeeds runs")
	from  = flag.Uint64("from", 1, "the first of them")
	whole = flag.String("trace", "", "the file that gets the whole trace")
	bug   = flag.String("mutant", "", "the planted bug that TestSeeds runs with")
	seed  = flag.Uint64("seed", 0, "the one seed that TestSeeds runs")
)

// run runs one seed with raft's own chance seeded too.
func run(t *testing.T, opt Options) (r Result) {
	t.Run(fmt.Sprintf("seed=%d", opt.Seed), func(t *testing.T) {
		if *whole != "" {
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

// twice is how many of the first seeds are run again, to the same hash.
const twice = 3

// TestSeeds runs seeds on the real protocols: all promises hold, and a seed replays.
func TestSeeds(t *testing.T) {
	first, last := *from, *from+uint64(*seeds)-1
	if *seed != 0 {
		first, last = *seed, *seed
	}
	var all Counts
	for s := first; s <= last; s++ {
		r := run(t, Options{Seed: s, Mutant: Mutant(*bug)})
		t.Logf("seed %d: hash %016x, %d events in %s; %s", s, r.Hash, r.Events, r.Virtual.Round(time.Millisecond), r.Counts)
		all.add(r.Counts)
		if r.Err != nil {
			t.Error(r.Err)
		}
		if s < first+twice && *whole == "" {
			if again := run(t, Options{Seed: s, Mutant: Mutant(*bug)}); again.Hash != r.Hash {
				t.Errorf("seed %d gave the trace %016x, and %016x when it was run again", s, r.Hash, again.Hash)
			}
		}
	}
	t.Logf("%d seeds: %s", last-first+1, all)
	if all.Committed == 0 || all.Faults[NodeKilled] == 0 || all.Repeats == 0 {
		t.Error("where nothing happened nothing was tested")
	}
}

// TestMutants: each planted bug breaks a promise that the checkers see.
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
