package timestamp

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Source draws n consecutive timestamps from the oracle, the first of which it returns with
// the oracle's term of office.
type Source interface {
	Draw(ctx context.Context, n int) (first Timestamp, term uint64, err error)
}

// BackwardsError: an oracle issued a timestamp at or below one that it had issued before.
// Nothing that depends on the order of transactions may go on.
type BackwardsError struct {
	Got, Seen Timestamp
}

func (e *BackwardsError) Error() string {
	return fmt.Sprintf("the timestamp oracle went back: it issued %s after %s", e.Got, e.Seen)
}

// ErrStaleTerm: answers came from a deposed oracle only. Ask again.
var ErrStaleTerm = errors.New("the timestamp oracle that answered is no longer in office")

// staleMax is how often in a row an answer of a lower term is asked for again.
const staleMax = 8

// waitersMax bounds the callers of one Draw.
const waitersMax = TakeMax

// ErrBusy: more callers wait than one request can serve.
var ErrBusy = errors.New("too many callers wait for a timestamp")

// Client gives timestamps to many callers with one request under way at a time. It is safe
// for concurrent use.
type Client struct {
	source Source

	mu      sync.Mutex
	next    *draw // gathers callers; nil: none wait
	drawing bool
	term    uint64
	seen    Timestamp
}

// draw is one request, with those who share it.
type draw struct {
	n      int
	first  Timestamp
	err    error
	done   chan struct{}
	ctx    context.Context // ends when every caller has gone
	cancel context.CancelFunc
	left   int
}

// NewClient is a client of a source.
func NewClient(s Source) *Client { return &Client{source: s} }

// Next is a timestamp that was issued after Next was called. It fails with the source's
// error or ctx's.
func (c *Client) Next(ctx context.Context) (Timestamp, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	if c.next == nil {
		d := &draw{done: make(chan struct{})}
		d.ctx, d.cancel = context.WithCancel(context.Background())
		c.next = d
		if !c.drawing {
			c.drawing = true
			go c.run()
		}
	}
	d := c.next
	if d.n >= waitersMax {
		c.mu.Unlock()
		return 0, ErrBusy
	}
	mine := Timestamp(d.n)
	d.n++
	d.left++
	c.mu.Unlock()
	select {
	case <-d.done:
		if d.err != nil {
			return 0, d.err
		}
		return d.first + mine, nil
	case <-ctx.Done():
		c.mu.Lock()
		if d.left--; d.left == 0 {
			d.cancel() // nobody waits any more
			if c.next == d {
				c.next = nil
			}
		}
		c.mu.Unlock()
		return 0, ctx.Err()
	}
}

// run draws for whoever waits, until nobody does.
func (c *Client) run() {
	for {
		c.mu.Lock()
		d := c.next
		if d == nil {
			c.drawing = false
			c.mu.Unlock()
			return
		}
		c.next = nil // whoever comes from here on shares the next one
		n := d.n
		c.mu.Unlock()
		d.first, d.err = c.draw(d.ctx, n)
		d.cancel()
		close(d.done)
	}
}

// draw asks until an answer is of the highest term seen.
func (c *Client) draw(ctx context.Context, n int) (Timestamp, error) {
	for range staleMax {
		first, term, err := c.source.Draw(ctx, n)
		if err != nil {
			return 0, err
		}
		if term < c.term {
			continue
		}
		if first <= c.seen {
			return 0, &BackwardsError{Got: first, Seen: c.seen}
		}
		c.term, c.seen = term, first+Timestamp(n-1)
		return first, nil
	}
	return 0, ErrStaleTerm
}
