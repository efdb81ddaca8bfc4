package node

import (
	"context"
	"fmt"

	"github.com/shaledb/shale/rpc/server"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// giveBack moves away what a draining node leads: an election may bring it leaderships
// although nobody means to. It runs with the reports, which follow each change of leadership
// at once; what cannot be moved is tried again with the next.
func (n *Node) giveBack(ctx context.Context, list *directory.ListResult, leads int) error {
	me := n.whoami().NodeID
	if leads == 0 || !draining(list, me) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*helloTimeout)
	defer cancel()
	m, err := n.member()
	if err != nil {
		return err
	}
	moved, err := server.MoveLeaders(ctx, m, me)
	if err != nil {
		return err
	}
	n.cfg.Log.Info("this node drains: leaderships moved away", "moved", moved.Moved, "left", moved.Leading)
	if len(moved.Leading) > 0 {
		return fmt.Errorf("this node drains and leads still: %v", moved.Obstacles)
	}
	return nil
}

func draining(list *directory.ListResult, node routing.NodeID) bool {
	for _, o := range list.Nodes {
		if o.ID == node {
			return o.Draining
		}
	}
	return false
}
