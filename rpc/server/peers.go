package server

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// peers takes Raft's traffic from the other nodes of the cluster.
type peers struct {
	s          *Server
	receptions *receptions
}

func newPeers(s *Server) *peers { return &peers{s, newReceptions(s)} }

// foreign refuses traffic of another cluster: its groups have the same numbers.
func (p *peers) foreign(clusterID string) error {
	m, err := p.s.cfg.member()
	if err != nil {
		return err
	}
	if clusterID != m.ClusterID {
		return &wire.NotFoundError{What: fmt.Sprintf("this node belongs to cluster %s, not to %s", m.ClusterID, clusterID)}
	}
	return nil
}

// Messages hands on what a peer sends, until it goes or the server stops.
func (p *peers) Messages(ctx context.Context, stream *connect.ClientStream[nodev1.MessageFrame]) (*nodev1.MessagesResponse, error) {
	read := make(chan error, 1)
	go func() { read <- p.read(stream) }()
	select {
	case err := <-read:
		return &nodev1.MessagesResponse{}, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.s.ctx.Done(): // the reader ends when this handler has returned
		return nil, &routing.UnavailableError{Why: "this node is stopping"}
	}
}

func (p *peers) read(stream *connect.ClientStream[nodev1.MessageFrame]) error {
	var from routing.NodeID
	for stream.Receive() {
		frame := stream.Msg()
		if from == 0 {
			if frame.GetFrom() == 0 {
				return &wire.InternalError{What: "the stream's first frame does not say which node it comes from"}
			}
			if err := p.foreign(frame.GetClusterId()); err != nil {
				return err
			}
			from = routing.NodeID(frame.GetFrom())
		}
		for _, g := range frame.GetGroups() {
			if len(g.GetMessages()) > 0 {
				p.s.cfg.Replicas.Deliver(from, routing.ShardID(g.GetGroup()), g.GetMessages())
			}
		}
	}
	if err := stream.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
