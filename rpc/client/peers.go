package client

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/shard/routing"
)

// Peers carries Raft's messages, of the protobuf type M, to the other nodes of a cluster: one
// stream to each. What cannot be sent is dropped: Raft sends it again. Its methods may be
// called by any goroutine.
type Peers[M proto.Message] struct {
	cfg       Config
	transport *http.Transport // of the messages: snapshots have others
	http      *http.Client
	ctx       context.Context
	cancel    context.CancelFunc
	tasks     sync.WaitGroup
	dropped   atomic.Uint64

	mu        sync.Mutex
	addresses map[routing.NodeID]string
	peers     map[routing.NodeID]*peer[M]
}

// NewPeers makes the transport of the node cfg.Node of the cluster cfg.ClusterID. The
// addresses are cfg.Nodes at first.
func NewPeers[M proto.Message](cfg Config) *Peers[M] {
	cfg.fill()
	p := &Peers[M]{cfg: cfg, transport: newTransport(&cfg),
		addresses: map[routing.NodeID]string{}, peers: map[routing.NodeID]*peer[M]{}}
	p.http = &http.Client{Transport: p.transport}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.SetAddresses(cfg.Nodes)
	return p
}

// Close ends all streams.
func (p *Peers[M]) Close() {
	p.cancel()
	p.tasks.Wait()
	p.transport.CloseIdleConnections()
}

// Dropped is how many batches were not sent, because a peer was away or its queue full.
func (p *Peers[M]) Dropped() uint64 { return p.dropped.Load() }

// SetAddresses takes addresses in. A peer that has moved is called at its new place from
// the next stream on.
func (p *Peers[M]) SetAddresses(addresses map[routing.NodeID]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node, address := range addresses {
		if old, ok := p.addresses[node]; ok && old != address && p.peers[node] != nil {
			p.peers[node].cancel()
			delete(p.peers, node)
		}
		p.addresses[node] = address
	}
}

// Send queues messages of one group for a node. It never blocks, and drops what has no room.
// The messages are not to be changed afterwards.
func (p *Peers[M]) Send(to routing.NodeID, group routing.ShardID, msgs []M) {
	peer := p.peer(to)
	if peer == nil || !peer.put(batch[M]{group, msgs}) {
		p.dropped.Add(1)
	}
}

func (p *Peers[M]) address(node routing.NodeID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addresses[node]
}

func (p *Peers[M]) peer(node routing.NodeID) *peer[M] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pe, ok := p.peers[node]; ok {
		return pe
	}
	address := p.addresses[node]
	if address == "" || p.ctx.Err() != nil {
		return nil
	}
	pe := &peer[M]{p: p, wake: make(chan struct{}, 1),
		breaker: breaker{min: p.cfg.PauseMin, max: p.cfg.PauseMax},
		client:  nodev1connect.NewPeerServiceClient(p.http, "http://"+address, clientOptions()...)}
	pe.ctx, pe.cancel = context.WithCancel(p.ctx)
	p.peers[node] = pe
	p.tasks.Go(pe.run)
	return pe
}

type batch[M proto.Message] struct {
	group routing.ShardID
	msgs  []M
}

// peer is the stream to one node.
type peer[M proto.Message] struct {
	p       *Peers[M]
	client  nodev1connect.PeerServiceClient
	breaker breaker
	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{} // capacity 1

	mu    sync.Mutex
	queue []batch[M]
	count int // messages queued
}

// messagesMax bounds a peer's queue; raft's own limits bound the bytes of each group.
const messagesMax = 8 << 10

func (pe *peer[M]) put(b batch[M]) bool {
	if pe.breaker.open() != nil {
		return false
	}
	pe.mu.Lock()
	defer pe.mu.Unlock()
	if pe.count+len(b.msgs) > messagesMax {
		return false
	}
	pe.queue = append(pe.queue, b)
	pe.count += len(b.msgs)
	select {
	case pe.wake <- struct{}{}:
	default:
	}
	return true
}

func (pe *peer[M]) take() []batch[M] {
	pe.mu.Lock()
	defer pe.mu.Unlock()
	q := pe.queue
	pe.queue, pe.count = nil, 0
	return q
}

// run keeps a stream open for as long as the peer is known; it opens one when there is
// something to send.
func (pe *peer[M]) run() {
	for {
		select {
		case <-pe.wake:
		case <-pe.ctx.Done():
			return
		}
		err := pe.stream()
		if pe.ctx.Err() != nil {
			return
		}
		pe.breaker.failed(err)
		if lost := len(pe.take()); lost > 0 {
			pe.p.dropped.Add(uint64(lost))
		}
		pe.p.cfg.Log.Debug("lost the stream to a peer", "err", err)
	}
}

// stream sends batches until it fails.
func (pe *peer[M]) stream() error {
	ctx, cancel := context.WithCancel(pe.ctx)
	defer cancel()
	stream, err := pe.client.Messages(ctx)
	if err != nil {
		return err
	}
	first := true
	for {
		for range yields {
			runtime.Gosched()
		}
		for batches := pe.take(); len(batches) > 0; batches = pe.take() {
			sent, err := pe.sendFrames(stream, batches, first)
			first = first && !sent
			if err != nil {
				return closing(stream, err)
			}
			pe.breaker.succeeded()
		}
		select {
		case <-pe.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type messageStream = connect.ClientStreamForClientSimple[nodev1.MessageFrame, nodev1.MessagesResponse]

// closing asks the stream why it ended: Send itself says only that it did.
func closing(stream *messageStream, err error) error {
	if _, why := stream.CloseAndReceive(); why != nil {
		return why
	}
	return err
}

// sendFrames sends the batches in as many frames as their size asks for.
func (pe *peer[M]) sendFrames(stream *messageStream, batches []batch[M], first bool) (sent bool, err error) {
	frame, size := pe.newFrame(first), 0
	flush := func() error {
		err := stream.Send(frame)
		sent, size, frame = true, 0, pe.newFrame(false)
		return err
	}
	for _, b := range batches {
		group := &nodev1.GroupMessages{Group: uint64(b.group)}
		frame.Groups = append(frame.Groups, group)
		for _, m := range b.msgs {
			bytes, err := proto.Marshal(m)
			if err != nil || len(bytes) > RequestMax-1024 {
				pe.p.dropped.Add(1)
				pe.p.cfg.Log.Error("a Raft message cannot be sent", "group", b.group, "bytes", len(bytes), "err", err)
				continue
			}
			if size > 0 && size+len(bytes) > pe.p.cfg.FrameMax {
				if err := flush(); err != nil {
					return sent, err
				}
				group = &nodev1.GroupMessages{Group: uint64(b.group)}
				frame.Groups = append(frame.Groups, group)
			}
			group.Messages = append(group.Messages, bytes)
			size += len(bytes)
		}
	}
	return true, flush()
}

func (pe *peer[M]) newFrame(first bool) *nodev1.MessageFrame {
	if !first {
		return &nodev1.MessageFrame{}
	}
	return &nodev1.MessageFrame{From: uint64(pe.p.cfg.Node), ClusterId: pe.p.cfg.ClusterID}
}
