package host

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// recover makes the replicas of what lies on disk. A folder whose group the log does not
// know means that the log was lost, and with it votes and acknowledged entries: the node
// must not come back under its old name (S17). A file that is bad concerns its shard alone.
func (h *Host) recover() error {
	ids, err := h.finishSwaps()
	if err != nil {
		return err
	}
	cfg := h.cfg.RaftLog
	dir := filepath.Join(h.cfg.Dir, "log")
	cfg.Create = len(ids) == 0 && !exists(dir)
	log, groups, err := raftlog.Open(dir, cfg)
	if err != nil {
		return err
	}
	h.log = newLogger(h, log)
	for _, id := range ids {
		replayed, ok := groups[id]
		if !ok {
			return &LostLogError{Dir: dir, Shard: id}
		}
		delete(groups, id)
		if err := h.recoverShard(id, replayed); err != nil {
			return err
		}
	}
	for id, r := range groups {
		if err := h.recoverOrphan(id, r); err != nil {
			return err
		}
	}
	return nil
}

// LostLogError: the directory's log is gone, or not this directory's.
type LostLogError struct {
	Dir   string
	Shard routing.ShardID
}

func (e *LostLogError) Error() string {
	return fmt.Sprintf("%s does not know shard %d, whose file is here: the log was lost or replaced, and with it "+
		"this node's votes and acknowledged writes; put the node's own log back, or remove the node from "+
		"the cluster and start a new one with an empty directory", e.Dir, e.Shard)
}

// recoverShard opens one replica's file. Damage there puts the replica into quarantine.
func (h *Host) recoverShard(id routing.ShardID, log *raftlog.Replayed) error {
	store, image, err := openStore(h.dbFile(id))
	if err != nil {
		h.lost(id, err)
		return nil
	}
	if err := h.alignLog(id, image, log); err != nil {
		store.Close()
		return err
	}
	d, err := shard.ReadDescriptor(id, image.Meta)
	if err != nil {
		store.Close()
		h.lost(id, err)
		return nil
	}
	me, ok := d.On(h.cfg.Node)
	if !ok {
		store.Close()
		h.lost(id, fmt.Errorf("%s is not a file of this node: %s has no replica on node %d; "+
			"put this node's own file back", h.dbFile(id), d, h.cfg.Node))
		return nil
	}
	s, err := h.newSlot(id, me.ID, store, image, log)
	if err != nil {
		store.Close()
		h.lost(id, err)
		return nil
	}
	h.slots[id] = s
	span := d.Span
	s.keeper.later = func() { s.keeper.trim(span) }
	return nil
}

func openStore(path string) (*sqlite.Store, *mvcc.Image, error) {
	store, err := sqlite.Open(path, sqlite.Config{})
	if err != nil {
		return nil, nil, err
	}
	image, err := store.Load()
	if err != nil {
		store.Close()
		return nil, nil, err
	}
	return store, image, nil
}

// lost takes a shard in that serves nothing.
func (h *Host) lost(id routing.ShardID, err error) {
	s := h.emptySlot(id, 0)
	h.slots[id] = s
	h.quarantine(s, fmt.Errorf("%w; to bring it back, stop this node and one that holds the shard whole, "+
		"and copy the other's folder shards/%d here", err, id))
}

// alignLog makes the log begin where the file ends, in case a crash came between the install
// of a raft snapshot and the log's part of it, and raises the commit index to what the file
// holds: it was flushed, hence committed (S18).
func (h *Host) alignLog(id routing.ShardID, image *mvcc.Image, log *raftlog.Replayed) error {
	if log.HardState == nil {
		log.HardState = &raftpb.HardState{Term: proto.Uint64(0), Vote: proto.Uint64(0), Commit: proto.Uint64(0)}
	}
	last := log.CutIndex
	if n := len(log.Entries); n > 0 {
		last = mvcc.Index(log.Entries[n-1].GetIndex())
	}
	hs := log.HardState
	if image.Index > mvcc.Index(hs.GetCommit()) {
		hs.Commit = proto.Uint64(uint64(image.Index))
	}
	if hs.GetTerm() < image.Term {
		hs.Term, hs.Vote = proto.Uint64(image.Term), proto.Uint64(0)
	}
	if image.Index <= last {
		return nil
	}
	at := position(image)
	log.Entries, log.CutIndex, log.CutTerm = nil, at.Index, at.Term
	return h.log.log.Append([]raftlog.Write{{Group: id, HardState: hs, Reset: &at}})
}

// recoverOrphan looks at a group of the log that has no folder. One that never had entries
// was about to be made, or waits for a raft snapshot: its vote is kept. Any other lost its
// file, and only the file can bring it back.
func (h *Host) recoverOrphan(id routing.ShardID, log *raftlog.Replayed) error {
	if len(log.Entries) == 0 && log.CutIndex <= shard.InitialIndex {
		h.orphans[id] = log
		return nil
	}
	h.lost(id, fmt.Errorf("the folder %s is gone", h.shardDir(id)))
	return nil
}

// drainPoll is how often Stop looks whether all is flushed.
const drainPoll = 20 * time.Millisecond

// drain waits until what is applied is in the files.
func (h *Host) drain(ctx context.Context) {
	for ctx.Err() == nil {
		left := false
		done := make(chan struct{})
		h.ask(func() {
			now := h.instant()
			for _, s := range h.slots {
				if s.bad != nil || s.installing || !s.keeper.hasFile() {
					continue
				}
				st := s.replica.Status(now) // an applied entry without rows needs no flush
				left = left || st.OverlayRows > 0
			}
			close(done)
		})
		select {
		case <-done:
		case <-h.ctx.Done():
			return
		case <-ctx.Done():
			return
		}
		if !left {
			return
		}
		select {
		case <-time.After(drainPoll):
		case <-ctx.Done():
		}
	}
}

// closeStores closes every file; a closed file is whole without its write-ahead log.
func (h *Host) closeStores() error {
	var first error
	ids := make([]routing.ShardID, 0, len(h.slots))
	for id := range h.slots {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := h.slots[id].keeper.close(); err != nil && first == nil {
			first = fmt.Errorf("close shard %d: %w", id, err)
		}
	}
	return first
}
