package shard

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// entryVersion is the first byte of every entry's data. Version 1 had no asynchronous locks;
// its entries may still stand in a log.
const entryVersion = 2

// entry is one Raft entry's content: what was evaluated in one turn, and under what.
type entry struct {
	Term      uint64 // of the leader that evaluated it
	Bounds    routing.BoundsEpoch
	Proposals []proposal
}

// proposal is one evaluated write. ID names it within its leader's term.
type proposal struct {
	ID    uint64
	Rows  mvcc.Rows
	Split *splitCommand
}

// splitCommand is the entry that splits a shard.
type splitCommand struct {
	Key      mvcc.Key
	Right    routing.ShardID
	Replicas []routing.ReplicaID // one for each of the left's, in order
	Proposer routing.ReplicaID   // the left replica that proposed it
}

var errTruncated = errors.New("the entry is cut short")

func encodeEntry(e *entry) []byte {
	size := 32
	for i := range e.Proposals {
		size += rowsSize(&e.Proposals[i].Rows)
	}
	w := writer{b: make([]byte, 0, size)}
	w.b = append(w.b, entryVersion)
	w.number(e.Term)
	w.number(uint64(e.Bounds))
	w.number(uint64(len(e.Proposals)))
	for i := range e.Proposals {
		w.proposal(&e.Proposals[i])
	}
	return w.b
}

// rowsSize is about what the rows take in an entry.
func rowsSize(r *mvcc.Rows) int {
	n := 16
	for i := range r.Versions {
		n += len(r.Versions[i].Key) + len(r.Versions[i].Value) + 32
	}
	for i := range r.Locks {
		n += len(r.Locks[i].Key) + len(r.Locks[i].Primary) + len(r.Locks[i].Value) + 64
		for _, k := range r.Locks[i].Secondaries {
			n += len(k) + 2
		}
	}
	n += 64*(len(r.Marks)+len(r.Turns)+len(r.Unlocks)+len(r.Records)) +
		32*(len(r.DropVersions)+len(r.DropMarks)+len(r.DropRecords))
	for i := range r.System {
		n += len(r.System[i].Name) + len(r.System[i].Value) + 8
	}
	return n
}

type writer struct{ b []byte }

func (w *writer) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) ts(t timestamp.Timestamp) { w.number(uint64(t)) }

func (w *writer) key(k mvcc.Key) {
	w.number(uint64(len(k)))
	w.b = append(w.b, k...)
}

func (w *writer) bytes(v []byte) {
	w.number(uint64(len(v)))
	w.b = append(w.b, v...)
}

// digest writes a flag and the digest, or the flag alone for the zero one.
func (w *writer) digest(d mvcc.Digest) {
	if d == (mvcc.Digest{}) {
		w.b = append(w.b, 0)
		return
	}
	w.b = append(w.b, 1)
	w.b = append(w.b, d[:]...)
}

func (w *writer) proposal(p *proposal) {
	w.number(p.ID)
	if p.Split != nil {
		w.b = append(w.b, 1)
		w.split(p.Split)
		return
	}
	w.b = append(w.b, 0)
	w.rows(&p.Rows)
}

func (w *writer) split(s *splitCommand) {
	w.key(s.Key)
	w.number(uint64(s.Right))
	w.number(uint64(s.Proposer))
	w.number(uint64(len(s.Replicas)))
	for _, id := range s.Replicas {
		w.number(uint64(id))
	}
}

func (w *writer) rows(r *mvcc.Rows) {
	w.number(uint64(len(r.Versions)))
	for i := range r.Versions {
		w.version(&r.Versions[i])
	}
	w.number(uint64(len(r.Marks)))
	for _, m := range r.Marks {
		w.key(m.Key)
		w.ts(m.CommitTS)
		w.ts(m.StartTS)
		w.digest(m.Digest)
	}
	w.number(uint64(len(r.Locks)))
	for i := range r.Locks {
		w.lock(&r.Locks[i])
	}
	w.number(uint64(len(r.Turns)))
	for _, t := range r.Turns {
		w.key(t.Key)
		w.ts(t.StartTS)
		w.ts(t.CommitTS)
		w.digest(t.Digest)
	}
	w.number(uint64(len(r.Unlocks)))
	for _, u := range r.Unlocks {
		w.key(u.Key)
		w.ts(u.StartTS)
		w.digest(u.Digest)
	}
	w.number(uint64(len(r.Records)))
	for _, rec := range r.Records {
		w.key(rec.Key)
		w.ts(rec.StartTS)
		w.b = append(w.b, byte(rec.Decision))
		w.ts(rec.CommitTS)
		w.digest(rec.Digest)
	}
	w.drops(r)
	w.number(uint64(len(r.System)))
	for _, s := range r.System {
		w.key(mvcc.Key(s.Name))
		w.b = append(w.b, flag(s.Value != nil))
		w.bytes(s.Value)
	}
}

func (w *writer) drops(r *mvcc.Rows) {
	for _, names := range [][]mvcc.VersionName{r.DropVersions, r.DropMarks} {
		w.number(uint64(len(names)))
		for _, n := range names {
			w.key(n.Key)
			w.ts(n.CommitTS)
			w.ts(n.StartTS)
			w.number(uint64(n.ValueID))
		}
	}
	w.number(uint64(len(r.DropRecords)))
	for _, n := range r.DropRecords {
		w.key(n.Key)
		w.ts(n.StartTS)
	}
}

func (w *writer) version(v *mvcc.Version) {
	w.key(v.Key)
	w.ts(v.CommitTS)
	w.ts(v.StartTS)
	w.b = append(w.b, byte(v.Op))
	w.bytes(v.Value)
	w.digest(v.Digest)
}

func (w *writer) lock(l *mvcc.Lock) {
	w.key(l.Key)
	w.ts(l.StartTS)
	w.key(l.Primary)
	w.b = append(w.b, byte(l.Kind))
	w.ts(l.MinCommitTS)
	w.ts(l.Expires)
	w.digest(l.Digest)
	w.b = append(w.b, flag(l.Async))
	w.number(uint64(len(l.Secondaries)))
	for _, k := range l.Secondaries {
		w.key(k)
	}
	w.number(uint64(l.ValueID))
	if l.ValueID != 0 {
		w.number(0) // the value is where the id says, on every replica
		return
	}
	w.bytes(l.Value)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// decodeEntry reads an entry's data. The values point into it.
func decodeEntry(data []byte) (*entry, error) {
	r := reader{b: data}
	if r.version = r.byte(); r.version == 0 || r.version > entryVersion {
		return nil, fmt.Errorf("the entry is of version %d, this program knows up to %d", r.version, entryVersion)
	}
	e := &entry{Term: r.number(), Bounds: routing.BoundsEpoch(r.number())}
	n := r.count(3)
	if n > 0 {
		e.Proposals = make([]proposal, n)
	}
	for i := range e.Proposals {
		r.proposal(&e.Proposals[i])
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes follow the entry's end", len(r.b))
	}
	return e, r.err
}

// reader reads what writer wrote. After the first error everything is zero.
type reader struct {
	b       []byte
	version byte
	err     error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errTruncated
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads a number of items that take at least so many bytes each, so that a damaged
// one cannot ask for memory without end.
func (r *reader) count(least int) int {
	n := r.number()
	if n > uint64(len(r.b)/least) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) ts() timestamp.Timestamp { return timestamp.Timestamp(r.number()) }

func (r *reader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) key() mvcc.Key { return mvcc.Key(r.bytes()) }

func (r *reader) digest() (d mvcc.Digest) {
	if r.byte() == 0 {
		return d
	}
	if len(r.b) < len(d) {
		r.fail()
		return d
	}
	copy(d[:], r.b)
	r.b = r.b[len(d):]
	return d
}

func (r *reader) proposal(p *proposal) {
	p.ID = r.number()
	switch r.byte() {
	case 0:
		r.rows(&p.Rows)
	case 1:
		s := &splitCommand{Key: r.key(), Right: routing.ShardID(r.number()), Proposer: routing.ReplicaID(r.number())}
		for range r.count(1) {
			s.Replicas = append(s.Replicas, routing.ReplicaID(r.number()))
		}
		p.Split = s
	default:
		if r.err == nil {
			r.err = errors.New("a proposal of an unknown kind")
		}
	}
}

func (r *reader) rows(rows *mvcc.Rows) {
	rows.Versions = list(r, 6, func(v *mvcc.Version) {
		*v = mvcc.Version{Key: r.key(), CommitTS: r.ts(), StartTS: r.ts(), Op: mvcc.Op(r.byte()),
			Value: r.bytes(), Digest: r.digest()}
		if v.Op != mvcc.OpPut {
			v.Value = nil
		}
	})
	rows.Marks = list(r, 4, func(m *mvcc.Mark) {
		*m = mvcc.Mark{Key: r.key(), CommitTS: r.ts(), StartTS: r.ts(), Digest: r.digest()}
	})
	rows.Locks = list(r, 9, r.lock)
	rows.Turns = list(r, 4, func(t *mvcc.Turn) {
		*t = mvcc.Turn{Key: r.key(), StartTS: r.ts(), CommitTS: r.ts(), Digest: r.digest()}
	})
	rows.Unlocks = list(r, 3, func(u *mvcc.Unlock) {
		*u = mvcc.Unlock{Key: r.key(), StartTS: r.ts(), Digest: r.digest()}
	})
	rows.Records = list(r, 5, func(rec *mvcc.Record) {
		*rec = mvcc.Record{Key: r.key(), StartTS: r.ts(), Decision: mvcc.Decision(r.byte()), CommitTS: r.ts(),
			Digest: r.digest()}
	})
	name := func(n *mvcc.VersionName) {
		*n = mvcc.VersionName{Key: r.key(), CommitTS: r.ts(), StartTS: r.ts(), ValueID: mvcc.ValueID(r.number())}
	}
	rows.DropVersions = list(r, 4, name)
	rows.DropMarks = list(r, 4, name)
	rows.DropRecords = list(r, 2, func(n *mvcc.RecordName) {
		*n = mvcc.RecordName{Key: r.key(), StartTS: r.ts()}
	})
	rows.System = list(r, 3, func(s *mvcc.SystemRow) {
		s.Name = string(r.key())
		present := r.byte() != 0
		if s.Value = r.bytes(); !present {
			s.Value = nil
		}
	})
}

func (r *reader) lock(l *mvcc.Lock) {
	*l = mvcc.Lock{Key: r.key(), StartTS: r.ts(), Primary: r.key(), Kind: mvcc.LockKind(r.byte()),
		MinCommitTS: r.ts(), Expires: r.ts(), Digest: r.digest()}
	if r.version > 1 {
		l.Async = r.byte() != 0
		l.Secondaries = list(r, 1, func(k *mvcc.Key) { *k = r.key() })
	}
	l.ValueID, l.Value = mvcc.ValueID(r.number()), r.bytes()
	if l.Kind != mvcc.LockPut {
		l.Value = nil
	}
}

// list reads a counted list, nil where it is empty.
func list[T any](r *reader, least int, item func(*T)) []T {
	n := r.count(least)
	if n == 0 {
		return nil
	}
	items := make([]T, n)
	for i := range items {
		item(&items[i])
	}
	return items
}
