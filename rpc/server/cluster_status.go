package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// From where on something is worth a word.
const (
	behindMany   = 10_000           // entries that a replica has not applied
	expiredLong  = 30 * time.Second // that a lock stands past its expiry: sweeps are quicker
	clockFar     = 5 * time.Second  // between this node's clock and the oracle's time
	expiredLooks = 1000             // locks looked at for a status
)

// Status describes the cluster, and says what is wrong with it and what to do.
func (h clusters) Status(ctx context.Context, _ *shalev1.StatusRequest) (*shalev1.StatusResponse, error) {
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	res := &shalev1.StatusResponse{ClusterId: m.ClusterID, Node: uint64(m.Node), Version: h.s.cfg.Version,
		UptimeSeconds: uint64(time.Since(h.s.started).Seconds())}
	d := &diagnosis{res: res}
	view, err := h.look(ctx, 0)
	if err != nil {
		d.wrong(&shalev1.Problem{What: "the system group does not answer: " + err.Error(),
			Advice: "bring back enough nodes for a majority of its replicas (shard 1); ask other nodes with --host"})
		return d.conclude(), nil
	}
	d.view, res.Nodes = view, h.nodes(view)
	d.nodes()
	d.shards()
	d.oracle(ctx, m)
	d.expired(ctx, m)
	return d.conclude(), nil
}

// diagnosis gathers what is wrong.
type diagnosis struct {
	view  *look
	res   *shalev1.StatusResponse
	notes []*shalev1.Problem
}

func (d *diagnosis) wrong(p *shalev1.Problem) {
	d.res.Problems = append(d.res.Problems, p.What)
	d.res.Advice = append(d.res.Advice, p)
}

func (d *diagnosis) note(p *shalev1.Problem) {
	p.Note = true
	d.notes = append(d.notes, p)
}

func (d *diagnosis) conclude() *shalev1.StatusResponse {
	d.res.Healthy = len(d.res.Problems) == 0
	d.res.Advice = append(d.res.Advice, d.notes...)
	return d.res
}

func (d *diagnosis) nodes() {
	for _, n := range d.res.Nodes {
		if !n.Alive {
			d.wrong(&shalev1.Problem{What: fmt.Sprintf("node %d at %s does not answer", n.Id, n.Address), Node: n.Id,
				Advice: "start it again with its --store, or look into its log and at the network between"})
		}
		if !n.Draining {
			continue
		}
		p := &shalev1.Problem{What: fmt.Sprintf("node %d drains and leads nothing", n.Id), Node: n.Id,
			Advice: fmt.Sprintf("when the work on it is done: shale node drain %d --undo", n.Id)}
		if n.Leaders > 0 {
			p.What = fmt.Sprintf("node %d drains, and leads %d shards still", n.Id, n.Leaders)
			p.Advice = fmt.Sprintf("shale node drain %d says what keeps them", n.Id)
		}
		d.note(p)
	}
}

// shards looks at every shard. What many have in common is one problem.
func (d *diagnosis) shards() {
	spare := map[string][]uint64{} // what is missing → shards
	missing := map[string]uint64{} // … → a node of it
	for i := range d.view.list.Shards {
		sh := d.view.shard(&d.view.list.Shards[i])
		d.res.Shards++
		live, voters, gone := d.voters(sh)
		quorum := voters/2 + 1
		if sh.LeaderNode == 0 {
			d.res.ShardsWithoutLeader++
			d.leaderless(sh.Id, live, quorum, gone)
		}
		if live < voters && live == quorum && len(gone) > 0 {
			name := fmt.Sprintf("%d of %d replicas are live, without %s", live, voters, nodeNames(gone))
			spare[name], missing[name] = append(spare[name], sh.Id), gone[0]
		}
		d.replicas(sh)
	}
	for _, name := range slices.Sorted(maps.Keys(spare)) {
		p := &shalev1.Problem{Node: missing[name],
			What:   fmt.Sprintf("%s cannot lose another node: %s", shardNames(spare[name]), name),
			Advice: fmt.Sprintf("bring node %d back, or mend its replica, before another node stops", missing[name])}
		if len(spare[name]) == 1 {
			p.Shard = spare[name][0]
		}
		d.wrong(p)
	}
}

// voters counts those of a shard that take part, and names the nodes of the others.
func (d *diagnosis) voters(sh *shalev1.Shard) (live, all int, gone []uint64) {
	for _, r := range sh.Replicas {
		if r.Role != shalev1.Role_ROLE_VOTER {
			continue
		}
		all++
		if st := d.view.replicas[replicaName{routing.ShardID(sh.Id), routing.NodeID(r.Node)}]; st != nil && st.Quarantine == "" {
			live++
		} else {
			gone = append(gone, r.Node)
		}
	}
	return live, all, gone
}

func (d *diagnosis) leaderless(id uint64, live, quorum int, gone []uint64) {
	p := &shalev1.Problem{What: fmt.Sprintf("shard %d has no leader", id), Shard: id,
		Advice: "look again in a few seconds: an election takes that long; if it stays so, look into its nodes' logs"}
	if live < quorum {
		p.Advice = fmt.Sprintf("bring %s back: %d of its replicas are live, and %d are needed", nodeNames(gone), live, quorum)
	}
	d.wrong(p)
}

// replicas looks at each of a shard's replicas that answers.
func (d *diagnosis) replicas(sh *shalev1.Shard) {
	var leader *routing.StatusResult
	if sh.LeaderNode != 0 {
		leader = d.view.replicas[replicaName{routing.ShardID(sh.Id), routing.NodeID(sh.LeaderNode)}]
	}
	for _, r := range sh.Replicas {
		st := d.view.replicas[replicaName{routing.ShardID(sh.Id), routing.NodeID(r.Node)}]
		switch {
		case st == nil:
		case r.Quarantine != "":
			d.wrong(&shalev1.Problem{What: fmt.Sprintf("shard %d on node %d is in quarantine: %s", sh.Id, r.Node, r.Quarantine),
				Shard: sh.Id, Node: r.Node,
				Advice: "its other replicas serve; the node's log says what was found and names the remedy"})
		case leader != nil && leader.Applied > st.Applied && leader.Applied-st.Applied > behindMany:
			d.wrong(&shalev1.Problem{Shard: sh.Id, Node: r.Node,
				What:   fmt.Sprintf("shard %d on node %d is %d entries behind its leader", sh.Id, r.Node, leader.Applied-st.Applied),
				Advice: "it catches up by itself; where the number does not fall, look at that node's disk and network"})
		}
	}
}

// oracle draws a timestamp, and compares it with this node's clock.
func (d *diagnosis) oracle(ctx context.Context, m *Member) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	before := time.Now()
	now, err := m.Cluster.Next(ctx)
	if err != nil {
		d.wrong(&shalev1.Problem{What: "no timestamps can be had: " + err.Error(), Shard: uint64(routing.SystemShard),
			Advice: "the leader of shard 1 hands them out: see that it has one, and that this node reaches it"})
		return
	}
	d.res.Timestamp = uint64(now)
	far := now.Time().Sub(before)
	if far.Abs() > clockFar {
		d.wrong(&shalev1.Problem{Node: uint64(m.Node),
			What:   fmt.Sprintf("the oracle's time is %s from the clock of node %d", far.Round(time.Millisecond), m.Node),
			Advice: "set the nodes' clocks by NTP; lock expiries and AS OF follow the oracle's time"})
	}
}

// expired looks for locks that stand long past their expiry: sweeps and visitors should have
// resolved them.
func (d *diagnosis) expired(ctx context.Context, m *Member) {
	if d.res.Timestamp == 0 {
		return
	}
	now := timestamp.Timestamp(d.res.Timestamp).Time()
	w, seen := &walk{m: m, view: d.view}, 0
	old := map[timestamp.Timestamp]mvcc.Lock{}
	err := w.locks(ctx, everything(), func(l mvcc.Lock, _ routing.ShardID) bool {
		if now.Sub(l.Expires.Time()) > expiredLong {
			old[l.StartTS] = l
		}
		seen++
		return seen < expiredLooks
	})
	if err != nil {
		d.note(&shalev1.Problem{What: "the locks could not be looked at: " + err.Error(), Advice: "shale lock ls"})
	}
	for _, id := range slices.Sorted(maps.Keys(old)) {
		l := old[id]
		d.wrong(&shalev1.Problem{Key: []byte(l.Key),
			What:   fmt.Sprintf("transaction %d holds locks %s past their expiry", id, now.Sub(l.Expires.Time()).Round(time.Second)),
			Advice: fmt.Sprintf("shale lock resolve --txn %d; it needs the shard of its primary, which shale txn show %d names", id, id)})
	}
}

func nodeNames(ids []uint64) string { return numbered("node", ids) }

func shardNames(ids []uint64) string { return numbered("shard", ids) }

// namesMax bounds how many numbers a sentence lists.
const namesMax = 8

// numbered is "shard 2", or "shards 2, 3 and 5 more".
func numbered(what string, ids []uint64) string {
	if len(ids) == 1 {
		return fmt.Sprintf("%s %d", what, ids[0])
	}
	var b strings.Builder
	b.WriteString(what + "s ")
	for i, id := range ids[:min(len(ids), namesMax)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, id)
	}
	if more := len(ids) - namesMax; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
