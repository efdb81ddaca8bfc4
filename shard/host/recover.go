package host

import (
	"context"
	"errors"
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
	dir := h.logDir()
	cfg.Create = len(ids) == 0 && !exists(dir)
	log, groups, err := raftlog.Open(dir, cfg)
	if err != nil {
		return err
	}
	h.log = newLogger(h, log)
	for _, id := range ids {
		replayed, ok := groups[id]
		if !ok {
			return &LostLogError{Dir: dir, Shard: id, Why: "knows nothing of the shard"}
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

// LostLogError: the directory's log is gone, or older than the files beside it.
type LostLogError struct {
	Dir   string
	Shard routing.ShardID // whose file proves it
	Why   string
}

func (e *LostLogError) Error() string {
	return fmt.Sprintf("the log in %s %s (shard %d), whose file is here: the log was lost or replaced, and with it "+
		"this node's votes and acknowledged writes; put the node's own log back, or remove the node from "+
		"the cluster and start a new one with an empty directory", e.Dir, e.Why, e.Shard)
}

// recoverShard opens one replica's file. Damage there puts the replica into quarantine.
func (h *Host) recoverShard(id routing.ShardID, log *raftlog.Replayed) error {
	store, image, err := h.openStore(h.dbFile(id))
	if err != nil {
		h.lost(id, err)
		return nil
	}
	if err := h.alignLog(id, image, log); err != nil {
		store.Close()
		return err
	}
	if log.CutIndex > image.Index {
		store.Close()
		h.lost(id, &mvcc.CorruptError{File: h.dbFile(id), Offset: -1,
			What: fmt.Sprintf("the file ends at index %d, but the log begins after %d: it lost what was written "+
				"between them", image.Index, log.CutIndex),
			Remedy: "put the file back whole with its -wal file, or copy the shard's folder from another node, " +
				"both nodes stopped"})
		return nil
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
	s, err := h.newSlot(shard.Start{Shard: id, Replica: me.ID}, store, image, log)
	if err != nil {
		store.Close()
		h.slots[id] = h.emptySlot(id, me.ID)
		h.quarantine(h.slots[id], fmt.Errorf("%s and %s do not fit: %w", h.dbFile(id), h.logDir(), err))
		return nil
	}
	h.slots[id] = s
	span := d.Span
	s.keeper.later = func() { s.keeper.trim(span) }
	return nil
}

func (h *Host) logDir() string { return filepath.Join(h.cfg.Dir, "log") }

func (h *Host) openStore(path string) (*sqlite.Store, *mvcc.Image, error) {
	store, err := sqlite.Open(path, sqlite.Config{Values: h.values})
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

// lost takes a shard in that serves nothing. What is known to be damaged says itself what
// to do.
func (h *Host) lost(id routing.ShardID, err error) {
	s := h.emptySlot(id, 0)
	h.slots[id] = s
	var damage *mvcc.CorruptError
	if !errors.As(err, &damage) {
		err = fmt.Errorf("%w; to bring it back, stop this node and one that holds the shard whole, "+
			"and copy the other's folder shards/%d here", err, id)
	}
	h.quarantine(s, err)
}

// alignLog makes the log begin where the file ends where the file came from elsewhere: by a
// raft snapshot, when a crash came before the log's part of it, or by an operator's hand.
// Of a file that is this node's own, the log holds everything: where it does not, it lost
// its end, and with it votes and acknowledged writes (S17). The commit index rises to what
// the file holds: that was flushed, hence committed (S18).
func (h *Host) alignLog(id routing.ShardID, image *mvcc.Image, log *raftlog.Replayed) error {
	if log.HardState == nil {
		log.HardState = &raftpb.HardState{Term: proto.Uint64(0), Vote: proto.Uint64(0), Commit: proto.Uint64(0)}
	}
	last, hs := log.CutIndex, log.HardState
	if n := len(log.Entries); n > 0 {
		last = mvcc.Index(log.Entries[n-1].GetIndex())
	}
	behind := image.Index > last || image.Term > hs.GetTerm()
	if behind && h.owns(id) {
		return &LostLogError{Dir: h.logDir(), Shard: id, Why: fmt.Sprintf(
			"ends at index %d of term %d before the file, which stands at %d of term %d",
			last, hs.GetTerm(), image.Index, image.Term)}
	}
	if image.Index > mvcc.Index(hs.GetCommit()) {
		hs.Commit = proto.Uint64(uint64(image.Index))
	}
	if image.Term > hs.GetTerm() {
		hs.Term, hs.Vote = proto.Uint64(image.Term), proto.Uint64(0)
	}
	if image.Index > last {
		at := position(image)
		log.Entries, log.CutIndex, log.CutTerm = nil, at.Index, at.Term
		if err := h.log.log.Append([]raftlog.Write{{Group: id, HardState: hs, Reset: &at}}); err != nil {
			return err
		}
	}
	return h.own(id)
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
