package shard

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
)

// storage is the raft.Storage of one group: all uncut entries, in memory. It runs with what
// Raft has handed out to be written: what of it is durable is told by Logged alone.
type storage struct {
	hard    *raftpb.HardState
	conf    *raftpb.ConfState
	cut     mvcc.Index // entries follow it
	cutTerm uint64
	entries []*raftpb.Entry
	bytes   int

	// flushed is what a copy of the store holds at least: what a raft snapshot announces.
	flushed     mvcc.Index
	flushedTerm uint64
}

var _ raft.Storage = (*storage)(nil)

func (s *storage) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return s.hard, s.conf, nil
}

func (s *storage) FirstIndex() (uint64, error) { return uint64(s.cut) + 1, nil }

func (s *storage) LastIndex() (uint64, error) { return uint64(s.last()), nil }

func (s *storage) last() mvcc.Index { return s.cut + mvcc.Index(len(s.entries)) }

func (s *storage) Term(i uint64) (uint64, error) {
	index := mvcc.Index(i)
	switch {
	case index < s.cut:
		return 0, raft.ErrCompacted
	case index == s.cut:
		return s.cutTerm, nil
	case index > s.last():
		return 0, raft.ErrUnavailable
	}
	return s.entries[index-s.cut-1].GetTerm(), nil
}

func (s *storage) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	if mvcc.Index(lo) <= s.cut {
		return nil, raft.ErrCompacted
	}
	if mvcc.Index(hi) > s.last()+1 {
		return nil, raft.ErrUnavailable
	}
	from, to := int(lo-uint64(s.cut)-1), int(hi-uint64(s.cut)-1)
	var size uint64
	end := from
	for end < to {
		size += uint64(proto.Size(s.entries[end]))
		if size > maxSize && end > from {
			break
		}
		end++
	}
	return s.entries[from:end:end], nil
}

// Snapshot announces the store: the copy that will be sent is at this index or above, and
// what is sent carries the copy's own (see Effects.Snapshot). A follower counts as caught
// up wherever its answer meets the log, so the difference does no harm.
func (s *storage) Snapshot() (*raftpb.Snapshot, error) {
	if s.flushed == 0 {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	return &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		ConfState: proto.CloneOf(s.conf),
		Index:     proto.Uint64(uint64(s.flushed)), Term: proto.Uint64(s.flushedTerm)}}, nil
}

// append takes entries in; they replace whatever stands at their indexes and above.
func (s *storage) append(entries []*raftpb.Entry) {
	if len(entries) == 0 {
		return
	}
	first := mvcc.Index(entries[0].GetIndex())
	for _, e := range s.entries[min(len(s.entries), int(first-s.cut-1)):] {
		s.bytes -= len(e.GetData())
	}
	keep := s.entries[:first-s.cut-1]
	if len(keep) < len(s.entries) {
		// Slices handed out end where they end: what is cut off must not be written over.
		keep = keep[:len(keep):len(keep)]
	}
	s.entries = append(keep, entries...)
	for _, e := range entries {
		s.bytes += len(e.GetData())
	}
}

// cutTo forgets the entries up to and including the index.
func (s *storage) cutTo(index mvcc.Index) {
	if index <= s.cut || index > s.last() {
		return
	}
	n := int(index - s.cut)
	s.cutTerm = s.entries[n-1].GetTerm()
	for _, e := range s.entries[:n] {
		s.bytes -= len(e.GetData())
	}
	s.entries = append([]*raftpb.Entry(nil), s.entries[n:]...)
	s.cut = index
}

// reset begins anew after a raft snapshot.
func (s *storage) reset(index mvcc.Index, term uint64, conf *raftpb.ConfState) {
	s.cut, s.cutTerm, s.entries, s.bytes = index, term, nil, 0
	s.conf = proto.CloneOf(conf)
}
