package directory

import (
	"fmt"
	"slices"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// DrainArgs marks a node as one that is to lead nothing, or takes the mark away. Asked again,
// it changes nothing.
type DrainArgs struct {
	Node routing.NodeID
	Undo bool
}

// DrainResult says at which version the directory then is.
type DrainResult struct{ Version uint64 }

// ReasonDrainLast: nobody else could lead a shard.
const ReasonDrainLast = "DRAIN_LAST"

func (s *State) drain(a *DrainArgs) ([]mvcc.SystemRow, any, error) {
	n, known := s.nodes[a.Node]
	if !known {
		return nil, nil, nodeUnknown(a.Node, "list the nodes")
	}
	if n.Draining == !a.Undo {
		return nil, &DrainResult{Version: s.version}, nil
	}
	if n.Draining = !a.Undo; n.Draining {
		if err := s.spares(n.ID); err != nil {
			return nil, nil, err
		}
	}
	return []mvcc.SystemRow{nodeRow(n), versionRow(s.version + 1)}, &DrainResult{Version: s.version + 1}, nil
}

// spares wants a voter on a node that does not drain for each shard of a node.
func (s *State) spares(node routing.NodeID) error {
	for _, d := range s.Shards() {
		if _, ok := d.On(node); !ok {
			continue
		}
		if !slices.ContainsFunc(d.Replicas, func(r routing.Replica) bool {
			return r.Role == routing.Voter && r.Node != node && !s.nodes[r.Node].Draining
		}) {
			return &mvcc.InvalidError{Reason: ReasonDrainLast,
				What: fmt.Sprintf("all other nodes that vote in shard %d drain already, or there are none", d.ID),
				Hint: "end the drain of another node first"}
		}
	}
	return nil
}
