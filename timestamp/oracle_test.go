package timestamp

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ms is a moment of the wall clock, and at the first timestamp of that millisecond.
func ms(n int64) time.Time { return time.UnixMilli(n) }

func at(n int64) Timestamp { return At(ms(n)) }

// show prints a timestamp as its millisecond and counter.
func show(t Timestamp) string { return fmt.Sprintf("%d.%d", t>>CounterBits, t.Counter()) }

// step is one event of an oracle, at a wall clock's millisecond, and what it says.
type step struct {
	op   string
	wall int64
	arg  int64 // of lead and persisted a millisecond, of take a count
	want string
}

func (s step) run(o *Oracle) string {
	switch s.op {
	case "lead":
		o.Lead(at(s.arg), ms(s.wall))
	case "resign":
		o.Resign()
	case "persisted":
		o.Persisted(at(s.arg))
	case "forget":
		o.Forget()
	case "extend":
		if ceiling, due := o.Extend(ms(s.wall)); due {
			return show(ceiling)
		}
		return "not due"
	case "take":
		if first, ok := o.Take(ms(s.wall), int(s.arg)); ok {
			return show(first)
		}
		return "none"
	}
	return ""
}

// story is the life of one oracle; the defaults are 3 s ahead, steps of 100 ms, at most 1 h.
type story struct {
	name  string
	steps []step
}

func tell(t *testing.T, stories []story) {
	for _, c := range stories {
		t.Run(c.name, func(t *testing.T) {
			o := NewOracle(OracleConfig{})
			for i, s := range c.steps {
				require.Equal(t, s.want, s.run(o), "step %d: %s at %d", i, s.op, s.wall)
			}
		})
	}
}

func TestOracleAndItsCeiling(t *testing.T) {
	tell(t, []story{
		{"nothing is served below no ceiling (P11)", []step{
			{"take", 10, 1, "none"},
			{"extend", 10, 0, "not due"},
			{"lead", 10, 0, ""},
			{"take", 10, 1, "none"},
			{"extend", 10, 0, "3010.0"},
			{"take", 10, 1, "none"}, // asked is not persisted
			{"extend", 10, 0, "not due"},
			{"persisted", 10, 3010, ""},
			{"take", 10, 1, "10.0"},
			{"take", 10, 3, "10.1"},
			{"take", 10, 1, "10.4"},
			{"take", 11, 1, "11.0"},
		}},
		{"a lost proposal is made again", []step{
			{"lead", 10, 0, ""},
			{"extend", 10, 0, "3010.0"},
			{"forget", 0, 0, ""},
			{"take", 10, 1, "none"},
			{"extend", 20, 0, "3020.0"},
		}},
		{"the ceiling is renewed when half is used, and never passed", []step{
			{"lead", 10, 0, ""},
			{"extend", 10, 0, "3010.0"},
			{"persisted", 10, 3010, ""},
			{"extend", 1509, 0, "not due"},
			{"extend", 1510, 0, "4510.0"},
			{"take", 3009, TakeMax, "3009.0"},
			{"take", 3010, 1, "3010.0"},
			{"take", 3010, 1, "none"}, // 3010.0 was the last
			{"take", 9999, 1, "none"},
			{"persisted", 0, 4510, ""},
			{"take", 3010, 1, "3010.1"},
		}},
		{"a new term begins above the ceiling it finds", []step{
			{"lead", 10, 3000, ""},
			{"take", 10, 1, "none"},
			{"extend", 10, 0, "3100.0"}, // ahead of the wall clock: a small step
			{"persisted", 0, 3100, ""},
			{"take", 10, 2, "3000.1"},
			{"take", 10, 1, "3000.3"},
			{"extend", 10, 0, "not due"},
			{"take", 10, 60 << CounterBits, "none"}, // more than TakeMax
			{"resign", 0, 0, ""},
			{"take", 10, 1, "none"},
			{"extend", 10, 0, "not due"},
			{"lead", 10, 3100, ""},
			{"take", 10, 1, "none"}, // the last term's ceiling is not this one's
			{"extend", 10, 0, "3200.0"},
			{"persisted", 0, 3200, ""},
			{"take", 10, 1, "3100.1"},
		}},
	})
}

func TestOracleAndTheWallClock(t *testing.T) {
	const hour = 3_600_000
	tell(t, []story{
		{"a wall clock that runs back stops nothing", []step{
			{"lead", 1000, 0, ""},
			{"extend", 1000, 0, "4000.0"},
			{"persisted", 0, 4000, ""},
			{"take", 1000, 1, "1000.0"},
			{"take", 2, 1, "1000.1"},
			{"take", -5, 1, "1000.2"}, // before 1970
			{"take", 1001, 1, "1001.0"},
		}},
		{"a wall clock that leaps ahead is followed by an hour at most", []step{
			{"lead", 10, 0, ""},
			{"extend", 10, 0, "3010.0"},
			{"persisted", 0, 3010, ""},
			{"take", 10, 1, "10.0"},
			{"extend", 100 * hour, 0, fmt.Sprintf("%d.0", hour+3010)},
			{"take", 100 * hour, 1, "3010.0"}, // it stays below what is persisted
			{"persisted", 0, hour + 3010, ""},
			{"take", 100 * hour, 1, fmt.Sprintf("%d.0", hour+3010)},
		}},
		{"bad counts give nothing away", []step{
			{"lead", 10, 0, ""},
			{"extend", 10, 0, "3010.0"},
			{"persisted", 0, 3010, ""},
			{"take", 10, 0, "none"},
			{"take", 10, -1, "none"},
			{"take", 10, TakeMax + 1, "none"},
			{"take", 10, 1, "10.0"},
		}},
	})
}

// Oracles of one group, each with a clock of its own that leaps and runs back, lead in turn;
// proposals get lost. Whatever happens, time goes forward and below what was persisted, and
// an oracle always gets to serve again (P11).
func TestOracleNeverGoesBack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 100 {
		var ceiling, newest Timestamp // of the group: applied, and given away by anyone
		oracles := make([]*Oracle, 3)
		walls := make([]int64, 3)
		for i := range oracles {
			oracles[i], walls[i] = NewOracle(OracleConfig{}), 1_700_000_000_000+rng.Int64N(10_000)
		}
		leader, served := 0, 0
		oracles[0].Lead(ceiling, ms(walls[0]))
		for range 300 {
			o, wall := oracles[leader], &walls[leader]
			switch rng.IntN(10) {
			case 0:
				*wall += rng.Int64N(20_000_000) - 10_000_000
			case 1: // a change of leader; the old one may be the new one
				o.Resign()
				leader = rng.IntN(3)
				oracles[leader].Lead(ceiling, ms(walls[leader]))
			case 2, 3, 4:
				next, due := o.Extend(ms(*wall))
				if !due {
					continue
				}
				require.Greater(t, next, ceiling, "a ceiling that does not rise is no help")
				if rng.IntN(4) == 0 {
					o.Forget()
					continue
				}
				ceiling = next
				o.Persisted(next)
			default:
				*wall += rng.Int64N(20)
				n := 1 + rng.IntN(1000)
				first, ok := o.Take(ms(*wall), n)
				if !ok {
					continue
				}
				served++
				require.Greater(t, first, newest, "time went back")
				newest = first + Timestamp(n-1)
				require.LessOrEqual(t, newest, ceiling, "served above what is persisted")
				require.Equal(t, newest, o.Last())
			}
		}
		require.NotZero(t, served)
	}
}
