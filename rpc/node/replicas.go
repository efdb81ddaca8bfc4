package node

import (
	"context"
	"fmt"
	"io"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/server"
	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/shard/routing"
)

// replicas are the node's own, as the server sees them: from the first moment, although there
// may be none until the node belongs to a cluster.
type replicas struct{ n *Node }

var _ server.Replicas = replicas{}

// running is the host, or nil.
func (r replicas) running() *host.Host {
	select {
	case <-r.n.joined:
		return r.n.host
	default:
		return nil
	}
}

func (r replicas) Submit(hd routing.Header, req routing.Request, done func(routing.Response, error)) (cancel func()) {
	h := r.running()
	if h == nil {
		done(nil, &routing.UnavailableError{Why: errNoCluster.Error()})
		return func() {}
	}
	return h.Submit(hd, req, done)
}

// Deliver decodes the messages and hands them to the replicas that they name. What cannot be
// read is dropped, as the network might have.
func (r replicas) Deliver(from routing.NodeID, group routing.ShardID, messages [][]byte) {
	h := r.running()
	if h == nil {
		return
	}
	var to routing.ReplicaID
	var msgs []*raftpb.Message
	for _, raw := range messages {
		m := &raftpb.Message{}
		if err := proto.Unmarshal(raw, m); err != nil {
			r.n.cfg.Log.Warn("a message of Raft cannot be read", "from", from, "shard", group, "err", err)
			continue
		}
		if id := routing.ReplicaID(m.GetTo()); id != to && len(msgs) > 0 {
			h.Deliver(from, group, to, msgs)
			msgs = nil
		}
		to = routing.ReplicaID(m.GetTo())
		msgs = append(msgs, m)
	}
	if len(msgs) > 0 {
		h.Deliver(from, group, to, msgs)
	}
}

func (r replicas) Receive(h client.SnapshotHeader, write func(io.Writer) error) error {
	running := r.running()
	if running == nil {
		return fmt.Errorf("a raft snapshot of shard %d: %w", h.Group, errNoCluster)
	}
	return running.Receive(host.SnapshotHeader(h), write)
}

// transport is the way of Raft's traffic to the other nodes.
type transport struct {
	peers *client.Peers[*raftpb.Message]
}

var _ host.Transport = transport{}

func (t transport) Send(to routing.NodeID, group routing.ShardID, msgs []*raftpb.Message) {
	t.peers.Send(to, group, msgs)
}

func (t transport) SendSnapshot(ctx context.Context, to routing.NodeID, h host.SnapshotHeader, r io.ReaderAt) error {
	return t.peers.SendSnapshot(ctx, to, client.SnapshotHeader(h), r)
}
