package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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

var (
	errNoAddress = errors.New("it is not known on which node the replica lives")
	errNoFile    = errors.New("a raft snapshot was to be installed whose file is not here")
)

// snapshotTimeout bounds the sending of one raft snapshot.
const snapshotTimeout = 10 * time.Minute

// sendSnapshot copies the file under one read transaction (S20: a copy in steps begins
// anew with every write) and streams the copy. The announced index becomes the copy's.
func (k *keeper) sendSnapshot(to routing.NodeID, m *raftpb.Message) {
	sent := shard.SnapshotSent{To: routing.ReplicaID(m.GetTo())}
	ctx, cancel := context.WithTimeout(k.h.ctx, snapshotTimeout)
	defer cancel()
	begin := time.Now()
	sent.Index, sent.Err = k.copyAndSend(ctx, to, m)
	if sent.Err == nil {
		k.h.metrics.SnapsSent.Add(1)
		k.h.metrics.SnapSend.Observe(time.Since(begin))
	} else {
		k.h.cfg.Log.Warn("a raft snapshot was not delivered", "shard", k.s.id, "node", to, "err", sent.Err)
	}
	k.post(sent)
}

func (k *keeper) copyAndSend(ctx context.Context, to routing.NodeID, m *raftpb.Message) (mvcc.Index, error) {
	dir := fmt.Sprintf("%s%s%d", k.h.shardDir(k.s.id), suffixCopy, k.h.nextID.Add(1))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, dbName)
	index, term, err := k.copyTo(path)
	if err != nil {
		return 0, fmt.Errorf("copy the file: %w", err)
	}
	m = proto.CloneOf(m)
	meta := m.GetSnapshot().GetMetadata()
	meta.Index, meta.Term = proto.Uint64(uint64(index)), proto.Uint64(term)
	raw, err := proto.Marshal(m)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	k.h.metrics.SnapOut.Add(uint64(st.Size()))
	return index, k.h.ports.Transport.SendSnapshot(ctx, to, SnapshotHeader{
		Group: k.s.id, To: routing.ReplicaID(m.GetTo()), From: k.h.cfg.Node, Message: raw, Size: st.Size()}, f)
}

func (k *keeper) copyTo(path string) (mvcc.Index, uint64, error) {
	k.use.RLock()
	defer k.use.RUnlock()
	if k.store == nil {
		return 0, 0, errors.New("its file is closed")
	}
	return k.store.Copy(path)
}

// receivedName is which raft snapshot a received file belongs to.
type receivedName struct {
	group routing.ShardID
	index uint64
	term  uint64
}

// receivedMax bounds the files of one shard that wait. A second one may come before the first
// one's message has passed Raft, and Raft may want either.
const receivedMax = 3

// received is a whole file that waits for its message to pass Raft.
type received struct {
	receivedName
	dir string
}

// receivedFiles are a node's, the oldest first. Loop only.
type receivedFiles []received

func (r *receivedFiles) add(f received) {
	*r = append(*r, f)
	if same := r.of(f.group); len(same) > receivedMax {
		r.remove(same[0])
	}
}

// take hands out the file of a raft snapshot; the others of the shard are of no use then.
func (r *receivedFiles) take(group routing.ShardID, meta *raftpb.SnapshotMetadata) (dir string, ok bool) {
	name := receivedName{group, meta.GetIndex(), meta.GetTerm()}
	for _, f := range r.of(group) {
		if f.receivedName == name && !ok {
			dir, ok = f.dir, true
			*r = slices.DeleteFunc(*r, func(o received) bool { return o.dir == f.dir })
			continue
		}
		r.remove(f)
	}
	return dir, ok
}

func (r *receivedFiles) of(group routing.ShardID) []received {
	var out []received
	for _, f := range *r {
		if f.group == group {
			out = append(out, f)
		}
	}
	return out
}

func (r *receivedFiles) remove(f received) {
	os.RemoveAll(f.dir)
	*r = slices.DeleteFunc(*r, func(o received) bool { return o.dir == f.dir })
}

// Receive takes in the file of a raft snapshot from another node and then steps its
// message. Write copies the bytes; they were checked when it returns nil.
func (h *Host) Receive(hd SnapshotHeader, write func(io.Writer) error) error {
	m := &raftpb.Message{}
	if err := proto.Unmarshal(hd.Message, m); err != nil {
		return fmt.Errorf("the raft snapshot's message: %w", err)
	}
	dir := fmt.Sprintf("%s%s%d", h.shardDir(hd.Group), suffixRecv, h.nextID.Add(1))
	begin := time.Now()
	if err := h.receiveFile(dir, write); err != nil {
		os.RemoveAll(dir)
		return err
	}
	h.metrics.SnapTake.Observe(time.Since(begin))
	h.metrics.SnapIn.Add(uint64(hd.Size))
	meta := m.GetSnapshot().GetMetadata()
	h.ask(func() {
		h.received.add(received{receivedName{hd.Group, meta.GetIndex(), meta.GetTerm()}, dir})
		h.deliver(hd.From, hd.Group, hd.To, []*raftpb.Message{m})
	})
	return nil
}

func (h *Host) receiveFile(dir string, write func(io.Writer) error) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, dbName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return sqlite.Verify(path)
}

// install puts a received file in the place of the replica's. The log begins anew after
// it; only then does the replica hear of it.
func (k *keeper) install(w shard.LogWrite, dir string) {
	h, id := k.h, k.s.id
	image, err := k.replace(func() error {
		target := h.shardDir(id)
		if err := os.RemoveAll(target + suffixNew); err != nil {
			return err
		}
		if err := os.Rename(dir, target+suffixNew); err != nil {
			return err
		}
		if err := h.markNew(id); err != nil {
			return err
		}
		return h.swap(id)
	})
	if err != nil {
		k.fail(fmt.Errorf("install a raft snapshot: %w", err))
		return
	}
	h.cfg.Log.Info("installed a raft snapshot", "shard", id, "index", image.Index)
	h.log.put(logJob{slot: k.s, write: w, image: image})
}

// declareOwn ends an install: the log has begun anew where the file stands.
func (k *keeper) declareOwn() {
	if err := k.h.own(k.s.id); err != nil {
		k.fail(err)
	}
}

// position is where an image ends.
func position(image *mvcc.Image) raftlog.Position {
	return raftlog.Position{Index: image.Index, Term: image.Term}
}
