package client

import (
	"sync"
	"time"
)

// breaker keeps a dead node from being asked again and again: after each failure in a row
// it stays open for twice as long.
type breaker struct {
	min, max time.Duration

	mu       sync.Mutex
	failures int
	until    time.Time
	cause    error
}

// open says whether the node is to be left alone for now, and why.
func (b *breaker) open() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 || time.Now().After(b.until) {
		return nil
	}
	return b.cause
}

// failed notes a failure, and returns the pause that follows.
func (b *breaker) failed(cause error) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	pause := b.max
	if b.failures < 16 {
		pause = min(b.max, b.min<<b.failures)
	}
	b.failures++
	b.until, b.cause = time.Now().Add(pause), cause
	return pause
}

// succeeded closes the breaker.
func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
}
