package server

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// look is what the directory says, and what each replica says of itself.
type look struct {
	list     *directory.ListResult
	replicas map[replicaName]*routing.StatusResult // missing: it did not answer
	alive    map[routing.NodeID]bool
}

type replicaName struct {
	shard routing.ShardID
	node  routing.NodeID
}

// lookTimeout bounds the wait for one replica's word about itself.
const lookTimeout = 2 * time.Second

// look asks the directory, then all replicas at once; of one shard where only is not zero.
func (h clusters) look(ctx context.Context, only routing.ShardID) (*look, error) {
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	return lookAt(ctx, m, only)
}

func lookAt(ctx context.Context, m *Member, only routing.ShardID) (*look, error) {
	list, err := m.Cluster.List(ctx)
	if err != nil {
		return nil, err
	}
	if only != 0 {
		list.Shards = slices.DeleteFunc(list.Shards, func(d routing.Descriptor) bool { return d.ID != only })
	}
	slices.SortFunc(list.Shards, func(a, b routing.Descriptor) int {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.ID, b.ID))
	})
	v := &look{list: list, replicas: map[replicaName]*routing.StatusResult{}, alive: map[routing.NodeID]bool{}}
	var calls []*routing.Call
	ask := func(id routing.ShardID, node routing.NodeID) {
		to := routing.Descriptor{ID: id, Replicas: []routing.Replica{{Node: node}}}
		calls = append(calls, &routing.Call{To: to, Req: &routing.StatusArgs{}, Timeout: lookTimeout})
	}
	for _, n := range list.Nodes { // a node without replicas answers that it has none
		ask(routing.SystemShard, n.ID)
	}
	for _, d := range list.Shards {
		for _, r := range d.Replicas {
			ask(d.ID, r.Node)
		}
	}
	m.Cluster.Send(ctx, calls, nil)
	for _, c := range calls {
		node := c.To.Replicas[0].Node
		var unavailable *routing.UnavailableError
		if c.Err == nil || !errors.As(c.Err, &unavailable) {
			v.alive[node] = true
		}
		if st, ok := c.Res.(*routing.StatusResult); ok {
			v.replicas[replicaName{c.To.ID, node}] = st
		}
	}
	return v, nil
}

// leader is who leads a shard by its own word: of two, the one of the later term.
func (v *look) leader(d *routing.Descriptor) (leader *routing.StatusResult) {
	for _, r := range d.Replicas {
		st := v.replicas[replicaName{d.ID, r.Node}]
		if st != nil && st.Leading && (leader == nil || st.Term > leader.Term) {
			leader = st
		}
	}
	return leader
}

// shard describes one shard, by its leader's word where there is one.
func (v *look) shard(d *routing.Descriptor) *shalev1.Shard {
	leader := v.leader(d)
	out := publicShard(d)
	out.LeaderNode = 0
	if leader != nil {
		if leader.Descriptor.Epoch.Newer(d.Epoch) {
			out = publicShard(&leader.Descriptor)
		}
		out.LeaderNode, out.Term = uint64(leader.Node), leader.Term
		out.SizeBytes, out.Locks, out.Waiting = uint64(max(leader.SizeBytes, 0)), uint64(leader.Locks), uint64(leader.Waiting)
	}
	for _, r := range out.Replicas {
		if st := v.replicas[replicaName{d.ID, routing.NodeID(r.Node)}]; st != nil {
			r.AppliedIndex, r.FlushedIndex, r.Quarantine = uint64(st.Applied), uint64(st.Flushed), st.Quarantine
		}
	}
	return out
}

func publicShard(d *routing.Descriptor) *shalev1.Shard {
	out := &shalev1.Shard{
		Id: uint64(d.ID), StartKey: []byte(d.Span.Start), EndKey: []byte(d.Span.End), LeaderNode: uint64(d.Leader),
		Epoch: &shalev1.Epoch{Bounds: uint64(d.Epoch.Bounds), Members: uint64(d.Epoch.Members)},
	}
	for _, r := range d.Replicas {
		role := shalev1.Role_ROLE_VOTER
		if r.Role == routing.Learner {
			role = shalev1.Role_ROLE_LEARNER
		}
		out.Replicas = append(out.Replicas, &shalev1.Replica{Id: uint64(r.ID), Node: uint64(r.Node), Role: role})
	}
	return out
}

// nodes describes the nodes.
func (h clusters) nodes(v *look) []*shalev1.Node {
	var out []*shalev1.Node
	for _, n := range v.list.Nodes {
		node := &shalev1.Node{Id: uint64(n.ID), Address: n.Address, Alive: v.alive[n.ID], Draining: n.Draining}
		for i := range v.list.Shards {
			d := &v.list.Shards[i]
			if _, ok := d.On(n.ID); ok {
				node.Replicas++
			}
			if leader := v.leader(d); leader != nil && leader.Node == n.ID {
				node.Leaders++
			}
		}
		if m, err := h.s.cfg.member(); err == nil && m.Node == n.ID {
			node.Version, node.UptimeSeconds = h.s.cfg.Version, uint64(time.Since(h.s.started).Seconds())
		}
		out = append(out, node)
	}
	return out
}
