package memory

import (
	"errors"
	"sync"

	"github.com/shaledb/shale/mvcc"
)

// Config is how a store misbehaves, if it is asked to.
type Config struct {
	// FailFlush is asked before each flush; its error is the flush's, and the store is
	// unusable from then on. Nil: no flush fails.
	FailFlush func(b *mvcc.Batch) error
}

// Store is an mvcc.Store in memory.
type Store struct {
	cfg Config

	mu      sync.Mutex
	now     rows
	durable rows
	failed  error
}

var _ mvcc.Store = (*Store)(nil)

var errClosed = errors.New("the store is closed")

// New makes an empty store.
func New(cfg Config) *Store {
	s := &Store{cfg: cfg, now: newRows()}
	s.durable = s.now.copy()
	return s
}

// AfterPowerLoss is a store with what is left of s when the power fails now: everything up
// to the last durable flush. s itself goes on.
func (s *Store) AfterPowerLoss() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{cfg: s.cfg, now: s.durable.copy(), durable: s.durable.copy()}
}

// Load returns the image: locks, meta and system rows.
func (s *Store) Load() (*mvcc.Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	return &mvcc.Image{Index: s.now.index, Term: s.now.term, Locks: s.now.locks.Items(),
		Meta: s.now.meta.Items(), System: s.now.system.Items()}, nil
}

// Flush applies the batch.
func (s *Store) Flush(b *mvcc.Batch, durable bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil && s.cfg.FailFlush != nil {
		s.failed = s.cfg.FailFlush(b)
	}
	if s.failed != nil {
		return s.failed
	}
	s.now.apply(b)
	if durable {
		s.durable = s.now.copy()
	}
	return nil
}

// View opens a view of the state now.
func (s *Store) View() (mvcc.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	return &view{rows: s.now.copy()}, nil
}

// Close makes the store unusable. Views that are open stay so.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = errClosed
	}
	return nil
}

// Clone is a store of its own with the state that s has now, all of it durable: what a copy
// of the file would be.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{cfg: s.cfg, now: s.now.copy(), durable: s.now.copy()}
}
