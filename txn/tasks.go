package txn

import (
	"context"
	"sync"
	"time"
)

// Goroutines are Tasks on this process's own clock.
type Goroutines struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	began  time.Time
}

var _ Tasks = (*Goroutines)(nil)

// NewGoroutines makes Tasks that end with Close.
func NewGoroutines() *Goroutines {
	g := &Goroutines{began: time.Now()}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Now is the time since these tasks were made.
func (g *Goroutines) Now() time.Duration { return time.Since(g.began) }

// Sleep waits, or returns ctx's error when that ends first.
func (g *Goroutines) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Spawn runs f on a goroutine. After Close it does not run it.
func (g *Goroutines) Spawn(_ string, f func(context.Context)) {
	if g.ctx.Err() != nil {
		return
	}
	g.wg.Go(func() { f(g.ctx) })
}

// Close ends the tasks' context and waits for them.
func (g *Goroutines) Close() {
	g.cancel()
	g.wg.Wait()
}
