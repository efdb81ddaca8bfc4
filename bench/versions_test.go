package bench

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// versions is a store of versioned keys under snapshot isolation, or serializable where a
// transaction asks for it, with planned misbehaviour. Claims are not waited for: who meets
// one is told of a deadlock.
type versions struct {
	mu    sync.Mutex
	rng   *rand.Rand
	now   timestamp.Timestamp
	data  map[mvcc.Key][]memoryVersion
	claim map[mvcc.Key]*versionsTxn

	forget float64 // share of commits whose outcome is lost on the way back
	mute   bool    // and that cannot be asked for any more

	// BUGs: the share of commits, or of reads, at which each happens.
	blind    float64 // no look for newer versions
	half     float64 // the last write is left out
	torn     float64 // a read of the past
	late     float64 // a transaction begins in the past
	risen    float64 // an aborted one is done nevertheless
	lost     float64 // an acknowledged one is not done
	middle   float64 // a read sees what was taken back
	skewed   float64 // no validation of a serializable one's reads
	unlocked float64 // claims are not looked at
}

type memoryVersion struct {
	at    timestamp.Timestamp
	value []byte
}

func newVersions(seed uint64) *versions {
	return &versions{rng: rand.New(rand.NewPCG(seed, 2)), now: 100, data: map[mvcc.Key][]memoryVersion{},
		claim: map[mvcc.Key]*versionsTxn{}}
}

func (m *versions) chance(share float64) bool { return share > 0 && m.rng.Float64() < share }

func (m *versions) draw() timestamp.Timestamp {
	m.now++
	return m.now
}

func (m *versions) newest(k mvcc.Key) memoryVersion {
	all := m.data[k]
	if len(all) == 0 {
		return memoryVersion{}
	}
	return all[len(all)-1]
}

func (m *versions) at(k mvcc.Key, ts timestamp.Timestamp) []byte {
	for _, v := range slices.Backward(m.data[k]) {
		if v.at <= ts {
			return v.value
		}
	}
	return nil
}

func (m *versions) Get(ctx context.Context, k mvcc.Key) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.newest(k)
	if m.chance(m.torn) {
		v.value = m.at(k, m.now-20)
	}
	return v.value, v.value != nil, ctx.Err()
}

func (m *versions) Put(ctx context.Context, k mvcc.Key, value []byte) error {
	return m.single(ctx, k, func([]byte) ([]byte, error) { return value, nil })
}

func (m *versions) Add(ctx context.Context, k mvcc.Key, delta int64) error {
	return m.single(ctx, k, func(old []byte) ([]byte, error) {
		n, _ := strconv.ParseInt(string(old), 10, 64)
		return number(n + delta), nil
	})
}

func (m *versions) Swap(ctx context.Context, k mvcc.Key, old, value []byte) error {
	return m.single(ctx, k, func(now []byte) ([]byte, error) {
		if now == nil || string(now) != string(old) {
			return nil, &mvcc.CheckFailedError{Key: k, Op: mvcc.MutationCheckValue}
		}
		return value, nil
	})
}

// single changes one key at its newest version.
func (m *versions) single(ctx context.Context, k mvcc.Key, f func([]byte) ([]byte, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, err := f(m.newest(k).value)
	if err != nil {
		return err
	}
	lost := m.chance(m.forget)
	if !(lost && m.chance(0.5)) && !m.chance(m.lost) {
		m.data[k] = append(m.data[k], memoryVersion{m.draw(), value})
	}
	if lost {
		return &mvcc.UndeterminedError{StartTS: m.now, Primary: k, Cause: errors.New("the reply is lost")}
	}
	return ctx.Err()
}

func (m *versions) Scan(_ context.Context, start, end mvcc.Key, _ int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, k := range slices.Sorted(maps.Keys(m.data)) {
			if start <= k && k < end && !yield(Entry{k, m.newest(k).value}, nil) {
				return
			}
		}
	}
}

func (m *versions) Update(ctx context.Context, f func(context.Context, Tx) error) error {
	return m.UpdateAs(ctx, Kind{}, f)
}

func (m *versions) UpdateAs(ctx context.Context, k Kind, f func(context.Context, Tx) error) error {
	for {
		tx, err := m.Begin(ctx, k)
		if err != nil {
			return err
		}
		var body Tx = tx
		if k.Pessimistic {
			body = lockingTwin{tx}
		}
		if err = f(ctx, body); definite(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err = tx.Commit(ctx); !definite(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (m *versions) Begin(_ context.Context, k Kind) (Txn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &versionsTxn{m: m, kind: k, id: m.draw(), fresh: true}
	if k.MaxStaleness > 0 || m.chance(m.late) {
		tx.id = max(1, tx.id-timestamp.Timestamp(m.rng.IntN(50)))
	}
	tx.read = tx.id
	return tx, nil
}

// lockingTwin locks whatever it reads.
type lockingTwin struct{ Txn }

func (t lockingTwin) Get(ctx context.Context, keys ...mvcc.Key) ([][]byte, error) {
	return t.GetForUpdate(ctx, keys...)
}

type versionsTxn struct {
	m          *versions
	kind       Kind
	id, read   timestamp.Timestamp
	commit     timestamp.Timestamp
	fresh      bool // it has read nothing plainly
	writes     []versionsWrite
	saved      int
	reads      []mvcc.Key
	ended      error
	outcome    error // of the first Commit, once there was one
	decided    bool
	takenBack  []byte
	takenBackK mvcc.Key
}

type versionsWrite struct {
	key    mvcc.Key
	value  []byte
	append bool
}

func (t *versionsTxn) over(k mvcc.Key, value []byte) []byte {
	for _, w := range t.writes {
		switch {
		case w.key != k:
		case w.append:
			value = slices.Concat(value, w.value)
		default:
			value = w.value
		}
	}
	return value
}

func (t *versionsTxn) Get(_ context.Context, keys ...mvcc.Key) ([][]byte, error) {
	defer runtime.Gosched() // so that transactions meet
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	t.fresh = false
	out := make([][]byte, len(keys))
	for i, k := range keys {
		at := t.read
		if t.m.chance(t.m.torn) {
			at = max(1, at-timestamp.Timestamp(t.m.rng.IntN(50)))
		}
		t.reads = append(t.reads, k)
		out[i] = t.over(k, t.m.at(k, at))
		if t.takenBackK == k && t.m.chance(t.m.middle) {
			out[i] = slices.Concat(out[i], t.takenBack)
		}
	}
	return out, nil
}

func (t *versionsTxn) GetForUpdate(_ context.Context, keys ...mvcc.Key) ([][]byte, error) {
	defer runtime.Gosched()
	m := t.m
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([][]byte, len(keys))
	for i, k := range keys {
		if holder := m.claim[k]; holder != nil && holder != t && !m.chance(m.unlocked) {
			t.end(&mvcc.DeadlockError{StartTS: t.id, Key: k})
			return nil, t.ended
		}
		v := m.newest(k)
		if !t.fresh && v.at > t.read {
			t.end(&mvcc.WriteConflictError{StartTS: t.id, Key: k, ConflictTS: v.at})
			return nil, t.ended
		}
		m.claim[k] = t
		out[i] = t.over(k, v.value)
	}
	if t.fresh {
		t.read = m.draw()
	}
	return out, nil
}

func (t *versionsTxn) end(why error) {
	t.ended = why
	for k, holder := range t.m.claim {
		if holder == t {
			delete(t.m.claim, k)
		}
	}
}

func (t *versionsTxn) Put(k mvcc.Key, v []byte) error {
	t.writes = append(t.writes, versionsWrite{key: k, value: v})
	return nil
}

func (t *versionsTxn) Append(k mvcc.Key, v []byte) error {
	t.writes = append(t.writes, versionsWrite{k, v, true})
	return nil
}

func (t *versionsTxn) Savepoint(string) error {
	t.saved = len(t.writes)
	return nil
}

func (t *versionsTxn) RollbackTo(string) error {
	if len(t.writes) > t.saved {
		t.takenBackK, t.takenBack = t.writes[t.saved].key, t.writes[t.saved].value
	}
	t.writes = t.writes[:t.saved]
	return nil
}

func (t *versionsTxn) Stamps() Stamps { return Stamps{t.id, t.read, t.commit} }

func (t *versionsTxn) Rollback(context.Context) (bool, error) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	if t.decided && t.m.mute {
		return false, t.undetermined()
	}
	if !t.decided {
		t.decided, t.outcome = true, &mvcc.TxnAbortedError{StartTS: t.id}
		t.end(t.outcome)
	}
	return t.outcome == nil, nil
}

func (t *versionsTxn) undetermined() error {
	return &mvcc.UndeterminedError{StartTS: t.id, Cause: errors.New("the reply is lost")}
}

func (t *versionsTxn) Commit(context.Context) error {
	m := t.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.ended != nil {
		return t.ended
	}
	if t.decided {
		if m.mute {
			return t.undetermined()
		}
		return t.outcome
	}
	if m.chance(m.forget) && m.chance(0.5) { // the request is lost on the way: it may come later
		t.decided = m.mute
		t.outcome = &mvcc.TxnAbortedError{StartTS: t.id}
		return t.undetermined()
	}
	t.decided = true
	t.outcome = t.conflict()
	if t.outcome == nil || m.chance(m.risen) {
		t.apply()
	}
	t.end(nil)
	if m.chance(m.forget) {
		return t.undetermined()
	}
	return t.outcome
}

func (t *versionsTxn) conflict() error {
	m := t.m
	for _, w := range t.writes {
		v := m.newest(w.key)
		holder := m.claim[w.key]
		foreign := holder != nil && holder != t && !m.chance(m.unlocked)
		if foreign || !w.append && v.at > t.read && !m.chance(m.blind) {
			return &mvcc.WriteConflictError{StartTS: t.id, Key: w.key, ConflictTS: v.at}
		}
	}
	if !t.kind.Serializable || len(t.writes) == 0 || m.chance(m.skewed) {
		return nil
	}
	for _, k := range t.reads {
		if v := m.newest(k); v.at > t.read {
			return &mvcc.WriteConflictError{StartTS: t.id, Key: k, ConflictTS: v.at}
		}
	}
	return nil
}

func (t *versionsTxn) apply() {
	m := t.m
	if t.commit = t.read; len(t.writes) == 0 {
		return
	}
	t.commit = m.draw()
	writes := t.writes
	switch {
	case m.chance(m.lost):
		writes = nil
	case m.chance(m.half):
		writes = writes[:len(writes)-1]
	}
	for _, w := range writes {
		if w.append {
			w.value = slices.Concat(m.newest(w.key).value, w.value)
		}
		m.data[w.key] = append(m.data[w.key], memoryVersion{t.commit, w.value})
	}
}
