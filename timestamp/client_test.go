package timestamp

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// source is an oracle that answers when the test says so.
type source struct {
	asked chan asked
}

type asked struct {
	ctx    context.Context
	n      int
	answer chan<- drawn
}

type drawn struct {
	first Timestamp
	term  uint64
	err   error
}

func (s *source) Draw(ctx context.Context, n int) (Timestamp, uint64, error) {
	answer := make(chan drawn, 1)
	s.asked <- asked{ctx, n, answer}
	select {
	case a := <-answer:
		return a.first, a.term, a.err
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
}

// callers are Nexts under way; each sends what it got.
type callers struct {
	c   *Client
	got chan drawn
}

func (cs *callers) start(ctx context.Context, n int) {
	for range n {
		go func() {
			ts, err := cs.c.Next(ctx)
			cs.got <- drawn{first: ts, err: err}
		}()
	}
	synctest.Wait()
}

// finished are those that have returned by now.
func (cs *callers) finished() (all []drawn) {
	synctest.Wait()
	for {
		select {
		case d := <-cs.got:
			all = append(all, d)
		default:
			return all
		}
	}
}

func newCallers() (*source, *callers) {
	s := &source{asked: make(chan asked)}
	return s, &callers{c: NewClient(s), got: make(chan drawn, 1000)}
}

// S1: whoever comes while a request is under way waits for the next one; all of them share it.
//
//	a ── Next ──▶ Draw(1) ═══════════════▶ 100
//	b, c, d ── Next ─▶ wait                 └─▶ Draw(3) ═══▶ 200 201 202
func TestNobodyJoinsARequestUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cs := newCallers()
		cs.start(t.Context(), 1)
		first := <-s.asked
		require.Equal(t, 1, first.n)
		cs.start(t.Context(), 3)
		select {
		case <-s.asked:
			t.Fatal("a second request while one is under way")
		default:
		}
		require.Empty(t, cs.finished())
		first.answer <- drawn{first: 100, term: 1}
		second := <-s.asked
		require.Equal(t, []drawn{{first: 100}}, cs.finished(), "100 was drawn before the others asked")
		require.Equal(t, 3, second.n)
		second.answer <- drawn{first: 200, term: 1}
		require.ElementsMatch(t, []drawn{{first: 200}, {first: 201}, {first: 202}}, cs.finished())
		cs.start(t.Context(), 1)
		require.Equal(t, 1, (<-s.asked).n, "nothing was kept for later")
	})
}

// An answer of a lower term of office than one seen is thrown away, and asked for again.
func TestLowerTermsAreThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cs := newCallers()
		cs.start(t.Context(), 1)
		(<-s.asked).answer <- drawn{first: 3001, term: 5}
		require.Equal(t, []drawn{{first: 3001}}, cs.finished())
		cs.start(t.Context(), 1)
		(<-s.asked).answer <- drawn{first: 9000, term: 4} // a deposed oracle, fast clock or not
		require.Empty(t, cs.finished())
		(<-s.asked).answer <- drawn{first: 3002, term: 5}
		require.Equal(t, []drawn{{first: 3002}}, cs.finished())
		cs.start(t.Context(), 1)
		for range staleMax {
			(<-s.asked).answer <- drawn{first: 106, term: 4}
		}
		require.Equal(t, []drawn{{err: ErrStaleTerm}}, cs.finished(), "it does not ask for ever")
	})
}

// P11: clients assert that they never see time go back.
func TestTimeThatGoesBackIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cs := newCallers()
		cs.start(t.Context(), 1)
		first := <-s.asked
		cs.start(t.Context(), 3)
		first.answer <- drawn{first: 100, term: 1}
		(<-s.asked).answer <- drawn{first: 200, term: 1} // 200 to 202
		require.Len(t, cs.finished(), 4)
		for _, again := range []drawn{{first: 202, term: 1}, {first: 150, term: 2}} {
			cs.start(t.Context(), 1)
			(<-s.asked).answer <- again
			var back *BackwardsError
			require.ErrorAs(t, cs.finished()[0].err, &back)
			require.Equal(t, BackwardsError{Got: again.first, Seen: 202}, *back)
		}
		cs.start(t.Context(), 1)
		(<-s.asked).answer <- drawn{first: 203, term: 1}
		require.Equal(t, []drawn{{first: 203}}, cs.finished(), "a bad answer raises nothing")
	})
}

func TestFailureReachesAllWhoShareIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cs := newCallers()
		cs.start(t.Context(), 1)
		first := <-s.asked
		cs.start(t.Context(), 2)
		first.answer <- drawn{first: 100, term: 1}
		broken := errors.New("no leader")
		(<-s.asked).answer <- drawn{err: broken}
		require.ElementsMatch(t, []drawn{{first: 100}, {err: broken}, {err: broken}}, cs.finished())
		cs.start(t.Context(), 1)
		(<-s.asked).answer <- drawn{first: 101, term: 1}
		require.Equal(t, []drawn{{first: 101}}, cs.finished(), "the next one asks anew")
	})
}

// A caller that goes leaves the others alone; when all have gone, the request ends with them.
func TestCallersThatGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cs := newCallers()
		ctx, cancel := context.WithCancel(t.Context())
		cs.start(ctx, 1)
		under := <-s.asked
		cs.start(ctx, 1)
		cs.start(t.Context(), 1)
		cancel()
		require.Equal(t, []drawn{{err: context.Canceled}, {err: context.Canceled}}, cs.finished())
		require.Error(t, under.ctx.Err(), "nobody waits for it")
		next := <-s.asked
		require.NoError(t, next.ctx.Err())
		next.answer <- drawn{first: 100, term: 1}
		require.Len(t, cs.finished(), 1)
		_, err := cs.c.Next(ctx)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestCallersOfOneDrawAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, cs := newCallers()
		cs.start(t.Context(), 1)
		first := <-s.asked
		cs.start(t.Context(), 1)
		cs.c.mu.Lock()
		cs.c.next.n = waitersMax
		cs.c.mu.Unlock()
		_, err := cs.c.Next(t.Context())
		require.ErrorIs(t, err, ErrBusy)
		first.answer <- drawn{first: 100, term: 1}
		(<-s.asked).answer <- drawn{first: 200, term: 1}
		require.Len(t, cs.finished(), 2)
	})
}

// drawnFrom is a real oracle behind the Source.
type drawnFrom struct {
	mu sync.Mutex
	o  *Oracle
}

func (d *drawnFrom) Draw(_ context.Context, n int) (Timestamp, uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if first, ok := d.o.Take(ms(1000), n); ok {
			return first, 1, nil
		}
		ceiling, _ := d.o.Extend(ms(1000))
		d.o.Persisted(ceiling)
	}
}

// Many callers at once: no timestamp twice, and each one's go forward.
func TestManyCallers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	o := NewOracle(OracleConfig{})
	o.Lead(at(1000), ms(1000))
	c := NewClient(&drawnFrom{o: o})
	const callers, each = 16, 300
	got := make([][]Timestamp, callers)
	var all sync.WaitGroup
	for i := range got {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() {
			for len(got[i]) < each {
				ctx, cancel := context.WithCancel(t.Context())
				if rng.IntN(8) == 0 {
					cancel()
				}
				if ts, err := c.Next(ctx); err == nil {
					got[i] = append(got[i], ts)
				}
				cancel()
			}
		})
	}
	all.Wait()
	seen := map[Timestamp]bool{}
	for _, list := range got {
		last := Timestamp(0)
		for _, ts := range list {
			require.Greater(t, ts, last)
			require.False(t, seen[ts], "given twice")
			last, seen[ts] = ts, true
		}
	}
}

func BenchmarkTake(b *testing.B) {
	o := NewOracle(OracleConfig{})
	o.Lead(at(1000), ms(1000))
	d := &drawnFrom{o: o}
	for b.Loop() {
		if _, _, err := d.Draw(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}
