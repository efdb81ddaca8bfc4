package bench

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// memory is a store of one map, serial, with planned misbehaviour.
type memory struct {
	mu   sync.Mutex
	rng  *rand.Rand
	data map[mvcc.Key][]byte

	abort   float64 // share of commits that are aborted, definitely
	forget  float64 // share whose outcome is lost on the way back
	lose    float64 // BUG: share acknowledged and not done
	half    float64 // BUG: share of which the last write is left out
	twice   float64 // BUG: share whose body runs twice
	torn    bool    // BUG: a scan is not of one moment
	refused bool    // BUG: an aborted commit is done nevertheless
}

func newMemory(seed uint64) *memory {
	return &memory{rng: rand.New(rand.NewPCG(seed, 1)), data: map[mvcc.Key][]byte{}}
}

func (m *memory) Get(ctx context.Context, k mvcc.Key) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.data[k]
	return v, ok, ctx.Err()
}

func (m *memory) Put(ctx context.Context, k mvcc.Key, v []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data[k] = v
	return ctx.Err()
}

func (m *memory) Scan(ctx context.Context, start, end mvcc.Key, limit int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		m.mu.Lock()
		view := maps.Clone(m.data)
		if m.torn && len(view) > 0 { // as if one key had been read a little earlier
			for k := range view {
				if start <= k && k < end {
					view[k] = []byte("1")
					break
				}
			}
		}
		m.mu.Unlock()
		n := 0
		for _, k := range slices.Sorted(maps.Keys(view)) {
			if k < start || end != "" && k >= end {
				continue
			}
			if limit > 0 && n == limit || !yield(Entry{k, view[k]}, nil) {
				return
			}
			n++
		}
	}
}

// memoryTx buffers its writes.
type memoryTx struct {
	m      *memory
	keys   []mvcc.Key
	values [][]byte
}

func (t *memoryTx) Get(_ context.Context, keys ...mvcc.Key) ([][]byte, error) {
	out := make([][]byte, len(keys))
	for i, k := range keys {
		out[i] = t.m.data[k]
	}
	return out, nil
}

func (t *memoryTx) Put(k mvcc.Key, v []byte) error {
	t.keys, t.values = append(t.keys, k), append(t.values, v)
	return nil
}

func (t *memoryTx) apply() {
	for i, k := range t.keys {
		t.m.data[k] = t.values[i]
	}
}

func (m *memory) Update(ctx context.Context, f func(context.Context, Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{m: m}
	if err := f(ctx, tx); err != nil {
		return err
	}
	ts := timestamp.Timestamp(m.rng.Uint64() >> 1)
	switch chance := m.rng.Float64; {
	case chance() < m.abort:
		if m.refused {
			tx.apply()
		}
		return &mvcc.TxnAbortedError{StartTS: ts}
	case chance() < m.forget:
		if chance() < 0.5 {
			tx.apply()
		}
		return &mvcc.UndeterminedError{StartTS: ts, Cause: errors.New("the reply is lost")}
	case chance() < m.lose:
		return nil
	case chance() < m.half:
		tx.keys = tx.keys[:len(tx.keys)-1]
	case chance() < m.twice:
		tx.apply()
		tx.keys, tx.values = nil, nil
		if err := f(ctx, tx); err != nil {
			return nil
		}
	}
	tx.apply()
	return nil
}
