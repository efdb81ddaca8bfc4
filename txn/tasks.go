package txn

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Goroutines are Tasks on this process's own clock.
type Goroutines struct {
	ctx     context.Context
	cancel  context.CancelFunc
	closing chan struct{} // closed when nobody is to sleep any more
	once    sync.Once
	wg      sync.WaitGroup
	began   time.Time
}

// closeGrace is how long Close lets tasks finish what they have sent.
const closeGrace = time.Second

// errClosing ends a sleep.
var errClosing = errors.New("this client is being closed")

var _ Tasks = (*Goroutines)(nil)

// NewGoroutines makes Tasks that end with Close.
func NewGoroutines() *Goroutines {
	g := &Goroutines{began: time.Now(), closing: make(chan struct{})}
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
	case <-g.closing:
		return errClosing
	}
}

// Spawn runs f on a goroutine. After Close it does not run it.
func (g *Goroutines) Spawn(_ string, f func(context.Context)) {
	if g.ctx.Err() != nil {
		return
	}
	g.wg.Go(func() { f(g.ctx) })
}

// Close waits for the tasks: first, for a second at most, for what they have under way, so that
// the locks of what was acknowledged last are turned; then it ends their context.
func (g *Goroutines) Close() {
	g.once.Do(func() { close(g.closing) })
	done := make(chan struct{})
	go func() {
		g.wg.Wait()
		close(done)
	}()
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
	}
	g.cancel()
	<-done
}
