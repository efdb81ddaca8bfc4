package shell

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shaledb/shale/cmd/shale/output"
)

// How long a statement is quiet, and how often it then says how far it is.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress shows on a terminal that a statement is under way. What it wrote is cleared before
// anything else is written.
type progress struct {
	rows  atomic.Int64
	say   io.Writer // nil: nobody looks
	begun time.Time
	clock clock
	end   chan struct{}
	ended sync.WaitGroup

	mu    sync.Mutex
	shown bool
}

// countedRows tells the progress how many rows have come.
type countedRows struct {
	Rows
	count *atomic.Int64
}

func (r *countedRows) Next() bool {
	if !r.Rows.Next() {
		return false
	}
	r.count.Add(1)
	return true
}

// startProgress begins to look at the clock, where a person looks at Say.
func (s *Shell) startProgress(begun time.Time) *progress {
	p := &progress{begun: begun, clock: s.clock, end: make(chan struct{})}
	if output.Terminal(s.cfg.Say) {
		p.show(s.cfg.Say)
	}
	return p
}

func (p *progress) show(say io.Writer) {
	p.say = say
	p.ended.Go(func() {
		wait := progressAfter
		for {
			select {
			case <-p.end:
				return
			case <-p.clock.after(wait):
				p.draw()
				wait = progressEvery
			}
		}
	})
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := ""
	if n := p.rows.Load(); n > 0 {
		rows = rowsText(int(n)) + ", "
	}
	p.shown = true
	fmt.Fprintf(p.say, "\r\x1b[K… %s%.1f s", rows, p.clock.now().Sub(p.begun).Seconds())
}

func (p *progress) clear() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.say, "\r\x1b[K")
	}
}

// stop clears it away for good.
func (p *progress) stop() {
	close(p.end)
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// over is w, with the progress cleared away before each write.
func (p *progress) over(w io.Writer) io.Writer {
	if p.say == nil {
		return w
	}
	return &cleared{w, p}
}

type cleared struct {
	w io.Writer
	p *progress
}

func (c *cleared) Write(b []byte) (int, error) {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.clear()
	return c.w.Write(b)
}
