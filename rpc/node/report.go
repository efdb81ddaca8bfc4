package node

import (
	"context"
	"maps"
	"time"

	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// The directory learns bounds, members and leaders from the leaders' own reports: soon after
// something changed, and now and then in any case, so that a lost report is made good.
const (
	reportEvery = 10 * time.Second
	reportPause = 100 * time.Millisecond // between two reports: changes meanwhile share one
	reportRetry = time.Second
)

// changed notes that there is something to report. It never blocks.
func (n *Node) changed(routing.ShardID) {
	select {
	case n.news <- struct{}{}:
	default:
	}
}

// report tells the directory about the shards that this node leads, until ctx ends.
func (n *Node) report(ctx context.Context) {
	for {
		wait := reportEvery
		if err := n.reportOnce(ctx); err != nil {
			n.cfg.Log.Debug("report to the directory failed", "err", err)
			wait = reportRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(reportPause):
		}
		select {
		case <-ctx.Done():
			return
		case <-n.news:
		case <-time.After(wait):
		}
	}
}

func (n *Node) reportOnce(all context.Context) error {
	ctx, cancel := context.WithTimeout(all, helloTimeout)
	defer cancel()
	args := &directory.ReportArgs{Node: n.whoami().NodeID, Address: n.address}
	for _, id := range n.host.Shards() {
		st, err := n.host.Status(ctx, id)
		if err != nil || !st.Leading || st.Quarantine != "" {
			continue
		}
		d := st.Descriptor
		d.Leader = args.Node
		args.Shards = append(args.Shards, d)
	}
	call := &routing.Call{To: n.cluster.System(), Req: args, Timeout: helloTimeout}
	if n.cluster.Send(ctx, []*routing.Call{call}, nil); call.Err != nil {
		return call.Err
	}
	list, err := n.cluster.List(ctx)
	if err != nil {
		return err
	}
	if err := n.learnNodes(list); err != nil {
		return err
	}
	return n.giveBack(all, list, len(args.Shards))
}

// learnNodes keeps the other nodes' addresses, and the system group's place, for the
// transport and for the next start.
func (n *Node) learnNodes(list *directory.ListResult) error {
	addresses := make(map[routing.NodeID]string, len(list.Nodes))
	for _, o := range list.Nodes {
		addresses[o.ID] = o.Address
	}
	n.peers.SetAddresses(addresses)
	system := n.cluster.System()
	me := n.whoami()
	if maps.Equal(addresses, me.Peers) && me.System != nil && me.System.Epoch == system.Epoch {
		return nil
	}
	return n.remember(func(id *identity) { id.Peers, id.System = addresses, &system })
}
