package mvcctest

import (
	"iter"
	"maps"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// StoreEngine is an Engine over a store: each Apply is one entry and one flush. Like a
// replica it keeps the lock table in memory, without large values.
type StoreEngine struct {
	store mvcc.Store
	index mvcc.Index
	locks map[mvcc.Key]mvcc.Lock
	view  mvcc.View // of the state now; nil: not opened yet
}

var _ Engine = (*StoreEngine)(nil)

// NewStoreEngine starts from what the store holds. The engine closes the store.
func NewStoreEngine(store mvcc.Store) (*StoreEngine, error) {
	image, err := store.Load()
	if err != nil {
		return nil, err
	}
	e := &StoreEngine{store: store, index: image.Index, locks: map[mvcc.Key]mvcc.Lock{}}
	for _, l := range image.Locks {
		e.locks[l.Key] = l
	}
	return e, nil
}

// Close closes the view and the store.
func (e *StoreEngine) Close() error {
	if err := e.endView(); err != nil {
		return err
	}
	return e.store.Close()
}

// Apply makes a batch of the rows and flushes it.
func (e *StoreEngine) Apply(rows mvcc.Rows) error {
	if err := e.endView(); err != nil {
		return err
	}
	e.index++
	a := applier{locks: e.locks, batch: mvcc.Batch{Index: e.index, Term: 1}}
	a.apply(rows)
	return e.store.Flush(&a.batch, false)
}

func (e *StoreEngine) endView() error {
	if e.view == nil {
		return nil
	}
	v := e.view
	e.view = nil
	return v.Close()
}

func (e *StoreEngine) now() (mvcc.View, error) {
	if e.view != nil {
		return e.view, nil
	}
	v, err := e.store.View()
	if err == nil {
		e.view = v
	}
	return v, err
}

// Lock is the lock that stands on k.
func (e *StoreEngine) Lock(k mvcc.Key) (mvcc.Lock, bool) {
	l, ok := e.locks[k]
	return l, ok
}

// Locks are all standing locks.
func (e *StoreEngine) Locks() []mvcc.Lock {
	var out []mvcc.Lock
	for _, k := range slices.Sorted(maps.Keys(e.locks)) {
		out = append(out, e.locks[k])
	}
	return out
}

// Newest is the newest version or mark of k above the timestamp.
func (e *StoreEngine) Newest(k mvcc.Key, above timestamp.Timestamp) (mvcc.Version, bool, error) {
	f, err := e.fact(k, 0)
	return f.Newest, f.Newest.Key != "" && f.Newest.CommitTS > above, err
}

// Current is the newest version of k.
func (e *StoreEngine) Current(k mvcc.Key) (mvcc.Version, bool, error) {
	f, err := e.fact(k, 0)
	return f.Current, f.Current.Key != "", err
}

// Own is what is recorded of the transaction at k.
func (e *StoreEngine) Own(k mvcc.Key, start timestamp.Timestamp) (mvcc.Record, bool, error) {
	f, err := e.fact(k, start)
	return f.Own, f.Own.Decision != mvcc.Undecided, err
}

func (e *StoreEngine) fact(k mvcc.Key, start timestamp.Timestamp) (mvcc.Fact, error) {
	v, err := e.now()
	if err != nil {
		return mvcc.Fact{}, err
	}
	facts, err := v.Facts([]mvcc.Key{k}, start)
	if err != nil {
		return mvcc.Fact{}, err
	}
	return facts[0], nil
}

// Get is the newest version of k at or below the timestamp.
func (e *StoreEngine) Get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool, error) {
	v, err := e.now()
	if err != nil {
		return mvcc.Version{}, false, err
	}
	return v.Get(k, at)
}

// Scan scans the state now.
func (e *StoreEngine) Scan(span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	v, err := e.now()
	if err != nil {
		return func(yield func(mvcc.Version, error) bool) { yield(mvcc.Version{}, err) }
	}
	return v.Scan(span, at, reverse, keysOnly)
}

// Versions lists versions of the state now.
func (e *StoreEngine) Versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp,
	keysOnly bool) iter.Seq2[mvcc.Version, error] {
	v, err := e.now()
	if err != nil {
		return func(yield func(mvcc.Version, error) bool) { yield(mvcc.Version{}, err) }
	}
	return v.Versions(span, after, at, keysOnly)
}

// Records lists records of the state now.
func (e *StoreEngine) Records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error] {
	v, err := e.now()
	if err != nil {
		return func(yield func(mvcc.Record, error) bool) { yield(mvcc.Record{}, err) }
	}
	return v.Records(span, after, start)
}
