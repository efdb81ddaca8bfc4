package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/timestamp"
)

// rows is what a replica's store holds inside its bounds.
type rows struct {
	store    *memory.Store
	index    mvcc.Index
	span     mvcc.Span
	locks    []mvcc.Lock
	versions []mvcc.Version
}

func (w *world) rowsOf(m *member) (out rows) {
	image, err := m.store.Load()
	m.must(err)
	d, err := shard.ReadDescriptor(m.shard, image.Meta)
	m.must(err)
	out.index, out.span = image.Index, d.Span
	for _, l := range image.Locks {
		if d.Span.Contains(l.Key) {
			out.locks = append(out.locks, l)
		}
	}
	view, err := m.store.View()
	m.must(err)
	for newest, err := range view.Scan(d.Span, timestamp.Max, false, true) {
		m.must(err)
		for at := newest.CommitTS; ; {
			v, ok, err := view.Get(newest.Key, at)
			m.must(err)
			if !ok {
				break
			}
			out.versions = append(out.versions, v)
			at = v.CommitTS.Prev()
		}
	}
	return out
}

// rowsAgain is rowsOf, looked up once for each state of a store.
func (w *world) rowsAgain(m *member) rows {
	image, err := m.store.Load()
	m.must(err)
	if m.compared.store != m.store || m.compared.index != image.Index {
		m.compared = w.rowsOf(m)
		m.compared.store = m.store
	}
	return m.compared
}

// compareAgain compares now, in the midst of everything, and plans to do so again.
func (w *world) compareAgain() {
	w.compare()
	w.after(w.between(200*time.Millisecond, 2*time.Second), nil, note{kind: "compare"}, w.compareAgain)
}

// compare holds replicas of a shard whose stores are at the same index against each other:
// apply and flush are the same everywhere, whatever was restarted or installed.
func (w *world) compare() {
	first := map[mvcc.Key]rows{}
	name := func(m *member, r rows) mvcc.Key {
		return mvcc.Key([]byte{byte(m.shard), byte(r.index >> 16), byte(r.index >> 8), byte(r.index)})
	}
	for _, m := range w.members() {
		if m.store == nil {
			continue
		}
		r := w.rowsAgain(m)
		before, ok := first[name(m, r)]
		if !ok {
			first[name(m, r)] = r
			continue
		}
		if r.span != before.span || !slices.EqualFunc(r.locks, before.locks, sameLock) ||
			!slices.EqualFunc(r.versions, before.versions, sameVersion) {
			w.fail("shard %d at index %d is not the same at node %d as elsewhere: %s", m.shard, r.index, m.p.id,
				r.unlike(before))
		}
	}
}

// unlike says what is not the same.
func (r rows) unlike(o rows) string {
	if len(r.locks) != len(o.locks) || len(r.versions) != len(o.versions) || r.span != o.span {
		return fmt.Sprintf("%d locks, %d versions, %v; %d, %d, %v", len(r.locks), len(r.versions), r.span, len(o.locks),
			len(o.versions), o.span)
	}
	for i := range r.locks {
		if !sameLock(r.locks[i], o.locks[i]) {
			return fmt.Sprintf("%+v; %+v", r.locks[i], o.locks[i])
		}
	}
	for i := range r.versions {
		if !sameVersion(r.versions[i], o.versions[i]) {
			return fmt.Sprintf("%+v; %+v", r.versions[i], o.versions[i])
		}
	}
	return "nothing"
}

func sameLock(a, b mvcc.Lock) bool {
	return a.Key == b.Key && a.StartTS == b.StartTS && a.Digest == b.Digest && a.Expires == b.Expires &&
		a.MinCommitTS == b.MinCommitTS && a.Primary == b.Primary && a.Kind == b.Kind && a.Async == b.Async &&
		slices.Equal(a.Secondaries, b.Secondaries)
}

func sameVersion(a, b mvcc.Version) bool {
	return a.Key == b.Key && a.CommitTS == b.CommitTS && a.StartTS == b.StartTS && a.Op == b.Op &&
		a.Digest == b.Digest && string(a.Value) == string(b.Value)
}
