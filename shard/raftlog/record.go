package raftlog

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// recordKind is the first byte of a record.
type recordKind byte

const (
	recordState   recordKind = iota + 1 // the group's HardState
	recordCut                           // entries up to a position are not needed
	recordReset                         // all entries are void, the log begins after a position
	recordEntries                       // they overwrite what stands at and above their first
	recordRewrite                       // the same entries again, so that an old segment can go
	recordRemove                        // the group is no more
	recordHead                          // all of a group but its entries: a segment begins with these
	recordSeal                          // the segment is complete and the next one exists
	recordMark                          // opened or closed: proves that all before it was synced
)

// record is one decoded record. Which fields mean something is up to its kind.
type record struct {
	kind    recordKind
	group   routing.ShardID
	hard    *raftpb.HardState
	at      Position
	last    mvcc.Index // recordHead: the last entry's index
	entries []*raftpb.Entry
	segment uint64 // recordSeal: the next one
}

// Upper bounds of encoded sizes.
const (
	recordBound = 1 + 8*binary.MaxVarintLen64
	entryBound  = 1 + 2*binary.MaxVarintLen64
)

func appendRecord(b []byte, r *record) []byte {
	b = append(b, byte(r.kind))
	if r.kind == recordSeal {
		return binary.AppendUvarint(b, r.segment)
	}
	if r.kind == recordMark {
		return b
	}
	b = binary.AppendUvarint(b, uint64(r.group))
	switch r.kind {
	case recordState:
		b = appendHardState(b, r.hard)
	case recordCut, recordReset:
		b = appendPosition(b, r.at)
	case recordEntries, recordRewrite:
		b = appendEntries(b, r.entries)
	case recordHead:
		b = appendPosition(b, r.at)
		b = binary.AppendUvarint(b, uint64(r.last))
		if r.hard == nil {
			return append(b, 0)
		}
		b = appendHardState(append(b, 1), r.hard)
	}
	return b
}

func appendHardState(b []byte, h *raftpb.HardState) []byte {
	b = binary.AppendUvarint(b, h.GetTerm())
	b = binary.AppendUvarint(b, h.GetVote())
	return binary.AppendUvarint(b, h.GetCommit())
}

func appendPosition(b []byte, p Position) []byte {
	b = binary.AppendUvarint(b, uint64(p.Index))
	return binary.AppendUvarint(b, p.Term)
}

func appendEntries(b []byte, entries []*raftpb.Entry) []byte {
	b = binary.AppendUvarint(b, entries[0].GetIndex())
	b = binary.AppendUvarint(b, uint64(len(entries)))
	for _, e := range entries {
		b = binary.AppendUvarint(b, e.GetTerm())
		b = append(b, byte(e.GetType()))
		b = binary.AppendUvarint(b, uint64(len(e.GetData())))
		b = append(b, e.GetData()...)
	}
	return b
}

var errMalformed = errors.New("a record is malformed although its checksum holds")

// decoder reads records one after the other. The first thing wrong ends it.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

// bytes copies: what is kept must not pin a whole segment in memory.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	if n == 0 {
		return nil
	}
	v := append([]byte(nil), d.rest[:n]...)
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) fail() { d.err, d.rest = errMalformed, nil }

func (d *decoder) more() bool { return d.err == nil && len(d.rest) > 0 }

func (d *decoder) next() (r record, err error) {
	r.kind = recordKind(d.byte())
	switch r.kind {
	case recordSeal:
		r.segment = d.uvarint()
		return r, d.err
	case recordMark:
		return r, d.err
	}
	r.group = routing.ShardID(d.uvarint())
	switch r.kind {
	case recordState:
		r.hard = d.hardState()
	case recordCut, recordReset:
		r.at = d.position()
	case recordEntries, recordRewrite:
		r.entries = d.entries()
	case recordRemove:
	case recordHead:
		r.at = d.position()
		r.last = mvcc.Index(d.uvarint())
		if d.byte() == 1 {
			r.hard = d.hardState()
		}
	default:
		d.fail()
	}
	return r, d.err
}

func (d *decoder) hardState() *raftpb.HardState {
	term, vote, commit := d.uvarint(), d.uvarint(), d.uvarint()
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

func (d *decoder) position() Position {
	index := mvcc.Index(d.uvarint())
	return Position{Index: index, Term: d.uvarint()}
}

// entryFields is where a decoded entry's scalars lie, so that raft's pointers cost one
// allocation together.
type entryFields struct {
	entry       raftpb.Entry
	term, index uint64
	kind        raftpb.EntryType
}

func (d *decoder) entries() []*raftpb.Entry {
	first, count := d.uvarint(), d.uvarint()
	if count == 0 || count > uint64(len(d.rest)) || first == 0 || first+count < first {
		d.fail()
		return nil
	}
	out := make([]*raftpb.Entry, 0, count)
	for i := range count {
		f := &entryFields{term: d.uvarint(), index: first + i, kind: raftpb.EntryType(d.byte())}
		f.entry.Data = d.bytes()
		if d.err != nil {
			return nil
		}
		f.entry.Term, f.entry.Index, f.entry.Type = &f.term, &f.index, &f.kind
		out = append(out, &f.entry)
	}
	return out
}
