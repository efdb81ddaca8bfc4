package server

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard/routing"
)

// receptions are the raft snapshots that are being received, one for each group at the most.
type receptions struct {
	s   *Server
	mu  sync.Mutex
	all map[uint64]*reception
}

func newReceptions(s *Server) *receptions {
	return &receptions{s: s, all: map[uint64]*reception{}}
}

// reception is one file on its way in. It outlives a lost connection for a while: the sender
// goes on where it stands.
type reception struct {
	header *nodev1.SnapshotHeader
	offset atomic.Int64 // written so far
	chunks chan []byte
	taken  chan struct{} // after each chunk
	done   chan struct{} // closed when err is final
	err    error
	sender sync.Mutex // held by the stream that sends
	ctx    context.Context
	giveUp context.CancelFunc
}

// SnapshotOffset says where a sender is to begin.
func (p *peers) SnapshotOffset(_ context.Context, req *nodev1.SnapshotOffsetRequest) (*nodev1.SnapshotOffsetResponse, error) {
	if err := p.foreign(req.GetHeader().GetClusterId()); err != nil {
		return nil, err
	}
	res := &nodev1.SnapshotOffsetResponse{}
	if r := p.receptions.find(req.GetHeader()); r != nil {
		res.Offset = r.offset.Load()
	}
	return res, nil
}

// Snapshot takes chunks in, each checked, until the file is whole.
func (p *peers) Snapshot(ctx context.Context, stream *connect.ClientStream[nodev1.SnapshotChunk]) (*nodev1.SnapshotResponse, error) {
	if !stream.Receive() {
		return nil, malformedSnapshot("the stream ended before its first chunk: %v", stream.Err())
	}
	header := stream.Msg().GetHeader()
	if err := p.foreign(header.GetClusterId()); err != nil {
		return nil, err
	}
	r, err := p.receptions.open(header)
	if err != nil {
		return nil, err
	}
	if !r.sender.TryLock() {
		return nil, &routing.UnavailableError{Why: "another stream sends this raft snapshot at the moment"}
	}
	defer r.sender.Unlock()
	for more := true; more; more = stream.Receive() {
		if err := r.put(ctx, stream.Msg()); err != nil {
			return nil, err
		}
		if r.offset.Load() == header.GetSize() {
			break
		}
	}
	if r.offset.Load() < header.GetSize() {
		return nil, &routing.UnavailableError{Why: fmt.Sprintf("the stream ended at offset %d: %v", r.offset.Load(), stream.Err())}
	}
	select {
	case <-r.done:
		return &nodev1.SnapshotResponse{Received: r.offset.Load()}, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func malformedSnapshot(format string, args ...any) error {
	return &mvcc.InvalidError{Reason: "SNAPSHOT_DAMAGED", What: fmt.Sprintf(format, args...),
		Hint: "the sender begins again"}
}

// put checks one chunk and hands it to the writer.
func (r *reception) put(ctx context.Context, c *nodev1.SnapshotChunk) error {
	at := r.offset.Load()
	switch {
	case c.GetOffset() != at:
		return &routing.UnavailableError{Why: fmt.Sprintf("a chunk begins at %d instead of %d", c.GetOffset(), at)}
	case at+int64(len(c.GetData())) > r.header.GetSize():
		return malformedSnapshot("the file is longer than the %d bytes announced", r.header.GetSize())
	case crc32.Checksum(c.GetData(), crc32.MakeTable(crc32.Castagnoli)) != c.GetSum():
		return connect.NewError(connect.CodeDataLoss, // the sender sends it again
			fmt.Errorf("CHECKSUM: the chunk at offset %d was damaged on its way", at))
	}
	select {
	case r.chunks <- c.GetData():
	case <-r.done:
		return r.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.taken:
		return nil
	case <-r.done:
		if r.offset.Load() == r.header.GetSize() {
			return r.err
		}
		return r.ended()
	}
}

func (r *reception) ended() error {
	if r.err != nil {
		return r.err
	}
	return &routing.UnavailableError{Why: "the raft snapshot is no longer wanted"}
}

// find is the reception of exactly this file.
func (rs *receptions) find(h *nodev1.SnapshotHeader) *reception {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.all[h.GetGroup()]; r != nil && proto.Equal(r.header, h) {
		return r
	}
	return nil
}

// open finds the file's reception or begins one.
func (rs *receptions) open(h *nodev1.SnapshotHeader) (*reception, error) {
	if h.GetGroup() == 0 || h.GetSize() <= 0 {
		return nil, malformedSnapshot("a raft snapshot without group or size")
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.all[h.GetGroup()]; r != nil {
		if proto.Equal(r.header, h) {
			return r, nil
		}
		if r.sender.TryLock() { // nobody sends it: make room for the newer one
			r.giveUp()
			r.sender.Unlock()
		}
		return nil, &routing.UnavailableError{Why: "another raft snapshot of this shard is being received"}
	}
	if len(rs.all) >= rs.s.cfg.ReceptionsMax {
		return nil, &routing.UnavailableError{Why: "enough raft snapshots are being received at the moment"}
	}
	r := &reception{header: proto.CloneOf(h), chunks: make(chan []byte), taken: make(chan struct{}), done: make(chan struct{})}
	r.ctx, r.giveUp = context.WithCancel(rs.s.ctx)
	rs.all[h.GetGroup()] = r
	go rs.run(r)
	return r, nil
}

// run lets the replicas write the file, chunk by chunk.
func (rs *receptions) run(r *reception) {
	defer r.giveUp()
	h := r.header
	r.err = rs.s.cfg.Replicas.Receive(client.SnapshotHeader{
		Group: routing.ShardID(h.GetGroup()), To: routing.ReplicaID(h.GetToReplica()),
		From: routing.NodeID(h.GetFrom()), Message: h.GetMessage(), Size: h.GetSize(),
	}, func(w io.Writer) error { return r.copy(r.ctx, w, rs.s.cfg.ReceptionPause) })
	rs.mu.Lock()
	delete(rs.all, h.GetGroup())
	rs.mu.Unlock()
	close(r.done)
}

// copy writes what the stream puts, and verifies the whole.
func (r *reception) copy(ctx context.Context, w io.Writer, pause time.Duration) error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	idle := time.NewTimer(pause)
	defer idle.Stop()
	for at := int64(0); at < r.header.GetSize(); at = r.offset.Load() {
		idle.Reset(pause)
		select {
		case data := <-r.chunks:
			if _, err := w.Write(data); err != nil {
				return err
			}
			sum.Write(data)
			r.offset.Add(int64(len(data)))
			if r.offset.Load() < r.header.GetSize() {
				r.taken <- struct{}{}
			}
		case <-idle.C:
			return &routing.UnavailableError{Why: fmt.Sprintf("the sender has not come back within %s", pause)}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if sum.Sum32() != r.header.GetSum() {
		return malformedSnapshot("the whole file's checksum does not match")
	}
	return nil
}
