package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// pauseAfterError keeps a thread whose errors come at once from spinning.
const pauseAfterError = 20 * time.Millisecond

// pauseBetweenChecks leaves the store some room between two checks of a watcher.
const pauseBetweenChecks = 100 * time.Millisecond

// Run runs a workload on a store: prepare, warm up, measure, verify. Progress lines, one a
// second, go to out. The report is there also where an error is, if anything was measured:
// a broken promise (*BrokenError) comes with the figures of the run that found it.
//
// When ctx ends, the measured part ends early and is reported; Verify is then left out.
func Run(ctx context.Context, s Store, w Workload, o Options, out io.Writer) (*Report, error) {
	o, err := o.validated()
	if err != nil {
		return nil, err
	}
	if !o.SkipPrepare {
		if !o.Quiet {
			fmt.Fprintf(out, "preparing, seed %d\n", o.Seed)
		}
		if err := prepare(ctx, s, w, o); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	if o.WarmUp > 0 {
		warm := o
		warm.Duration, warm.Operations, warm.Quiet = o.WarmUp, 0, true
		if _, err := measure(ctx, s, w, warm, out); err != nil {
			return nil, fmt.Errorf("warm-up: %w", err)
		}
		o.Seed++ // other operations than the warm-up's
	}
	report, err := o.Meter.metered(ctx, func() (*Report, error) { return measure(ctx, s, w, o, out) })
	if err != nil || o.SkipVerify || ctx.Err() != nil {
		return report, err
	}
	report.Findings, err = Verify(ctx, s, w, o)
	return report, err
}

// Verify checks the store once, with patience for one that is not available yet: after all
// of its nodes were killed and started again.
func Verify(ctx context.Context, s Store, w Workload, o Options) ([]string, error) {
	o, err := o.validated()
	if err != nil {
		return nil, err
	}
	var findings []string
	err = patiently(ctx, o.Patience, func() error {
		findings, err = w.Verify(ctx, s)
		return err
	})
	if err != nil {
		return findings, fmt.Errorf("verify: %w", err)
	}
	return findings, nil
}

func prepare(ctx context.Context, s Store, w Workload, o Options) error {
	return patiently(ctx, o.Patience, func() error { return w.Prepare(ctx, s, o.Threads) })
}

// patiently repeats f until it succeeds, finds a broken promise or a mistake of the
// caller's, or patience or ctx ends; then the last error of f is more telling than ctx's.
func patiently(ctx context.Context, patience time.Duration, f func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil || lasting(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		if !pause(ctx, 200*time.Millisecond) {
			return err
		}
	}
}

// measurement is one measured part under way.
type measurement struct {
	store    Store
	workload Workload
	o        Options
	begun    time.Time
	end      time.Time // zero: none
	taken    atomic.Int64
	checks   atomic.Int64
	rec      *recorder
	stop     context.CancelCauseFunc
}

func measure(ctx context.Context, s Store, w Workload, o Options, out io.Writer) (*Report, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m := &measurement{store: s, workload: w, o: o, begun: time.Now(), rec: newRecorder(o.Threads, &gaps{}), stop: stop}
	if o.Duration > 0 {
		m.end = m.begun.Add(o.Duration)
	}
	aside, endAside := context.WithCancel(ctx)
	var beside sync.WaitGroup
	if watched, ok := w.(Watched); ok {
		for range o.Watchers {
			beside.Go(func() { m.watch(aside, watched) })
		}
	}
	if !o.Quiet {
		beside.Go(func() { m.progress(aside, out) })
	}
	var threads sync.WaitGroup
	for i := range o.Threads {
		threads.Go(func() { m.thread(ctx, i) })
	}
	threads.Wait()
	seconds := time.Since(m.begun).Seconds()
	endAside()
	beside.Wait()
	report := m.rec.report(seconds)
	report.Threads, report.Seed, report.Checks = o.Threads, o.Seed, m.checks.Load()
	if broken := (*BrokenError)(nil); errors.As(context.Cause(ctx), &broken) {
		return report, broken
	}
	return report, nil
}

// thread runs one thread's operations to the end of the measured part.
func (m *measurement) thread(ctx context.Context, i int) {
	rng := rand.New(rand.NewPCG(m.o.Seed, uint64(i)))
	bound := &bounded{parent: ctx, timeout: m.o.Timeout}
	defer bound.end()
	for ctx.Err() == nil {
		n := m.taken.Add(1) - 1
		if m.o.Operations > 0 && n >= m.o.Operations {
			return
		}
		intended := time.Now()
		if m.o.Target > 0 {
			intended = m.begun.Add(time.Duration(float64(n) / m.o.Target * float64(time.Second)))
			if !pause(ctx, time.Until(intended)) {
				return
			}
		}
		if !m.end.IsZero() && !intended.Before(m.end) {
			return
		}
		if !m.one(ctx, bound.context(), i, m.workload.Generate(rng, i), intended) {
			return
		}
	}
}

// one executes an operation and records what came of it; false: the run is over.
func (m *measurement) one(ctx, bound context.Context, thread int, op Op, intended time.Time) bool {
	retries, err := m.workload.Execute(bound, m.store, op)
	now := time.Now()
	if err == nil {
		m.rec.success(thread, op, now.Sub(intended), retries, now.Sub(m.begun))
		return true
	}
	if broken := (*BrokenError)(nil); errors.As(err, &broken) {
		m.stop(broken)
		return false
	}
	if ctx.Err() != nil {
		return false
	}
	kind := errorKind(err)
	m.rec.failure(thread, kind, err, retries)
	if kind == kindAborted || kind == kindDeadlock {
		return true // the store is there, and the next operation is another one
	}
	return pause(ctx, pauseAfterError)
}

// bounded gives a thread's operations a context with a timeout. One serves many operations,
// until a quarter of its time is over: a timer for each would cost as much as a fast get.
type bounded struct {
	parent  context.Context
	timeout time.Duration
	now     context.Context
	renew   time.Time
	cancel  context.CancelFunc
}

func (b *bounded) context() context.Context {
	if now := time.Now(); b.now == nil || now.After(b.renew) {
		b.end()
		b.now, b.cancel = context.WithTimeout(b.parent, b.timeout)
		b.renew = now.Add(b.timeout / 4)
	}
	return b.now
}

func (b *bounded) end() {
	if b.cancel != nil {
		b.cancel()
	}
}

// watch checks again and again until the threads are done.
func (m *measurement) watch(ctx context.Context, w Watched) {
	for {
		err := w.Watch(ctx, m.store)
		if broken := (*BrokenError)(nil); errors.As(err, &broken) {
			m.stop(broken)
			return
		}
		if err == nil {
			m.checks.Add(1)
		}
		if !pause(ctx, pauseBetweenChecks) {
			return
		}
	}
}

// progress prints a line a second.
func (m *measurement) progress(ctx context.Context, out io.Writer) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	last := m.begun
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			h, failed := m.rec.tick()
			fmt.Fprintf(out, "%4.0f s %9.0f ops/s  p50 %s  p99 %s  max %s ms  errors %d\n",
				now.Sub(m.begun).Seconds(), perSecond(h.TotalCount(), now.Sub(last).Seconds()),
				micros(h.ValueAtQuantile(50)), micros(h.ValueAtQuantile(99)), micros(h.Max()), failed)
			last = now
		}
	}
}

// pause waits and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
