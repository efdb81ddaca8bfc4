package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// drains says whether a node is to lead nothing.
func drains(list *directory.ListResult, node routing.NodeID) bool {
	return slices.ContainsFunc(list.Nodes, func(n directory.Node) bool { return n.ID == node && n.Draining })
}

// DrainNode marks the node in the directory and does one round of moving its leaderships
// away; the node itself moves away what an election brings it later. Undo takes the mark
// away, and moves nothing back.
func (h clusters) DrainNode(ctx context.Context, req *shalev1.DrainNodeRequest) (*shalev1.DrainNodeResponse, error) {
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	node := routing.NodeID(req.GetNode())
	call := &routing.Call{To: m.Cluster.System(), Req: &directory.DrainArgs{Node: node, Undo: req.GetUndo()}}
	m.Cluster.Send(ctx, []*routing.Call{call}, nil)
	var wrong *mvcc.InvalidError
	switch {
	case errors.As(call.Err, &wrong) && wrong.Reason == directory.ReasonDrainLast:
		return nil, refused(wrong.Reason, wrong.What, wrong.Hint)
	case errors.As(call.Err, &wrong):
		return nil, &wire.NotFoundError{What: fmt.Sprintf("there is no node %d", node)}
	case call.Err != nil:
		return nil, call.Err
	case req.GetUndo():
		return &shalev1.DrainNodeResponse{}, nil
	}
	moved, err := MoveLeaders(ctx, m, node)
	if err != nil {
		return nil, err
	}
	return &shalev1.DrainNodeResponse{Moved: moved.Moved, Leading: moved.Leading, Obstacles: moved.Obstacles}, nil
}

// Moved is what a round of moving leaderships away came to.
type Moved struct {
	Moved     []uint64
	Leading   []uint64 // what the node leads still
	Obstacles []string // why
}

// transferTimeout bounds the wait for one transfer: Raft gives it up in silence where its
// target does not campaign.
const transferTimeout = 3 * time.Second

// MoveLeaders gives each leadership of a node to another of the shard's voters: one that
// answers, is well and does not drain, the one nearest to the leader's log first, then the
// one that leads least.
func MoveLeaders(ctx context.Context, m *Member, node routing.NodeID) (*Moved, error) {
	view, err := lookAt(ctx, m, 0)
	if err != nil {
		return nil, err
	}
	led, res := view.led(), &Moved{}
	var calls []*routing.Call
	for i := range view.list.Shards {
		d := &view.list.Shards[i]
		if leader := view.leader(d); leader == nil || leader.Node != node {
			continue
		}
		to, ok := view.successor(d, node, led)
		if !ok {
			res.left(d.ID, "no other node that votes there is well and may lead")
			continue
		}
		led[to]++
		calls = append(calls, &routing.Call{To: *d, Req: &routing.TransferArgs{To: to}, Timeout: transferTimeout})
	}
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	m.Cluster.Send(ctx, calls, nil)
	for _, c := range calls {
		to, ok := c.Res.(*routing.TransferResult)
		switch {
		case c.Err != nil:
			res.left(c.To.ID, c.Err.Error())
		case ok && to.Leader == node:
			res.left(c.To.ID, "it came back")
		default:
			res.Moved = append(res.Moved, uint64(c.To.ID))
		}
	}
	return res, nil
}

func (r *Moved) left(id routing.ShardID, why string) {
	r.Leading = append(r.Leading, uint64(id))
	r.Obstacles = append(r.Obstacles, fmt.Sprintf("shard %d: %s", id, why))
}

// led counts each node's leaderships.
func (v *look) led() map[routing.NodeID]int {
	led := map[routing.NodeID]int{}
	for i := range v.list.Shards {
		if leader := v.leader(&v.list.Shards[i]); leader != nil {
			led[leader.Node]++
		}
	}
	return led
}

// behindFew is how far a replica may be behind and still lead at once.
const behindFew = 64

func (v *look) successor(d *routing.Descriptor, from routing.NodeID, led map[routing.NodeID]int) (routing.NodeID, bool) {
	leader := v.leader(d)
	var may []*routing.StatusResult
	for _, r := range d.Replicas {
		st := v.replicas[replicaName{d.ID, r.Node}]
		if r.Node != from && r.Role == routing.Voter && st != nil && st.Quarantine == "" && !drains(v.list, r.Node) {
			may = append(may, st)
		}
	}
	if len(may) == 0 {
		return 0, false
	}
	behind := func(st *routing.StatusResult) mvcc.Index {
		if lag := max(leader.Applied, st.Applied) - st.Applied; lag > behindFew {
			return lag
		}
		return 0
	}
	best := slices.MinFunc(may, func(a, b *routing.StatusResult) int {
		return cmp.Or(cmp.Compare(behind(a), behind(b)), cmp.Compare(led[a.Node], led[b.Node]), cmp.Compare(a.Node, b.Node))
	})
	return best.Node, true
}
