package shard

import (
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/mvcc/mvcctest"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// TestScriptsOverOverlay runs the specification of the rules over the overlay over a store:
// without any flush, with one after every entry, and with one at every single point; each
// with the flush heard of at once, and only one entry later, while two generations stand.
func TestScriptsOverOverlay(t *testing.T) {
	const points = 16
	for late := range 2 {
		for p := -2; p < points; p++ {
			t.Run(fmt.Sprintf("late%d/point%d", late, p), func(t *testing.T) {
				mvcctest.Run(t, "../mvcc/testdata", func(t testing.TB) mvcctest.Engine {
					return newOverlayEngine(t, p, late == 1)
				})
			})
		}
	}
}

// overlayEngine is the applied state of a replica over a store, without Raft.
type overlayEngine struct {
	t     testing.TB
	r     *Replica
	store *memory.Store
	point int // flush after this many entries; -1: after each; -2: never
	late  bool
	heard func()
}

func newOverlayEngine(t testing.TB, point int, late bool) *overlayEngine {
	d := routing.Descriptor{ID: 2, Epoch: routing.Epoch{Bounds: 1, Members: 1},
		Replicas: []routing.Replica{{ID: 1, Node: 1, Role: routing.Voter}}}
	store := memory.New(memory.Config{})
	require.NoError(t, store.Flush(&mvcc.Batch{Index: InitialIndex, Term: InitialTerm, Meta: Bootstrap(d)}, true))
	image, err := store.Load()
	require.NoError(t, err)
	r, err := New(Start{Node: 1, Replica: 1, Shard: 2, Image: image})
	require.NoError(t, err)
	r.out = &Effects{}
	return &overlayEngine{t: t, r: r, store: store, point: point, late: late}
}

func (e *overlayEngine) Apply(rows mvcc.Rows) error {
	if e.heard != nil {
		e.heard()
	}
	in := entry{Term: InitialTerm, Bounds: 1, Proposals: []proposal{{ID: 1, Rows: rows}}}
	e.r.apply(&raftpb.Entry{Index: proto.Uint64(uint64(e.r.applied) + 1), Term: proto.Uint64(InitialTerm),
		Data: encodeEntry(&in)})
	if e.r.bad != nil {
		return e.r.bad
	}
	n := int(e.r.applied - InitialIndex - 1)
	if e.point == -1 || e.point == n || e.r.storeOnly() > 0 {
		e.flush()
	}
	return nil
}

func (e *overlayEngine) flush() {
	g := e.r.closeGeneration()
	require.NoError(e.t, e.store.Flush(g.batch(), false))
	e.heard = func() {
		e.heard = nil
		e.r.flushed(Flushed{Generation: g.number, Index: g.index})
	}
	if !e.late || e.r.storeOnly() > 0 {
		e.heard()
	}
}

func (e *overlayEngine) view() mvcc.View {
	v, err := e.store.View()
	require.NoError(e.t, err)
	return v
}

func (e *overlayEngine) fact(k mvcc.Key, start timestamp.Timestamp) (mvcc.Fact, error) {
	facts, err := Lookup{State: e.r.takeState(), Keys: []mvcc.Key{k}, StartTS: start}.Answer(e.view())
	if err != nil {
		return mvcc.Fact{}, err
	}
	return facts[0], nil
}

func (e *overlayEngine) Lock(k mvcc.Key) (mvcc.Lock, bool) { return e.r.locks.standing.Get(k) }

func (e *overlayEngine) Locks() []mvcc.Lock {
	_, locks := e.r.locks.standing.KeyValues()
	image, err := e.store.Load()
	require.NoError(e.t, err)
	// What the store will hold after the next flush must be the same table.
	stored := map[mvcc.Key]mvcc.Lock{}
	for _, l := range image.Locks {
		stored[l.Key] = l
	}
	b := e.r.filling.batch()
	for _, k := range b.DropLocks {
		delete(stored, k)
	}
	for _, l := range b.Locks {
		stored[l.Key] = l
	}
	require.Len(e.t, stored, len(locks))
	for _, l := range locks {
		if l.ValueID != 0 {
			l.Value = nil
		}
		require.Equal(e.t, l, stored[l.Key])
	}
	return locks
}

func (e *overlayEngine) Newest(k mvcc.Key, above timestamp.Timestamp) (mvcc.Version, bool, error) {
	f, err := e.fact(k, 0)
	return f.Newest, f.Newest.Key != "" && f.Newest.CommitTS > above, err
}

func (e *overlayEngine) Current(k mvcc.Key) (mvcc.Version, bool, error) {
	f, err := e.fact(k, 0)
	return f.Current, f.Current.Key != "", err
}

func (e *overlayEngine) Own(k mvcc.Key, start timestamp.Timestamp) (mvcc.Record, bool, error) {
	f, err := e.fact(k, start)
	return f.Own, f.Own.Decision != mvcc.Undecided, err
}

func (e *overlayEngine) Get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool, error) {
	v, err := e.r.takeState().get(e.view(), k, at)
	return v, v.Op != 0, err
}

func (e *overlayEngine) Scan(span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	s := e.r.takeState()
	return s.Overlay.mergeScan(e.view().Scan(span, at, reverse, keysOnly), span, at, reverse)
}

func (e *overlayEngine) Versions(span mvcc.Span, after mvcc.VersionName, at timestamp.Timestamp,
	keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return e.r.takeState().versions(e.view(), span, after, at, keysOnly)
}

func (e *overlayEngine) Records(span mvcc.Span, after mvcc.RecordName, start timestamp.Timestamp) iter.Seq2[mvcc.Record, error] {
	return e.r.takeState().records(e.view(), span, after, start)
}
