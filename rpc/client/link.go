package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptrace"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// link is the multiplexed stream to one node. A goroutine opens it when something is queued
// and writes frames; another one reads. When the stream fails, all calls under way hear so,
// and the next call opens it again, once the breaker allows.
type link struct {
	cfg     *Config
	address string
	client  nodev1connect.ShardServiceClient
	breaker breaker
	ctx     context.Context

	mu      sync.Mutex
	running bool
	nextID  uint64
	queue   []queued
	bytes   int
	cancels []uint64
	pending map[uint64]*waiting
	wake    chan struct{} // capacity 1
}

type queued struct {
	call *nodev1.Call
	size int
}

// waiting is a call whose reply is awaited. sent: it may have reached the node.
type waiting struct {
	shard routing.ShardID
	sent  bool
	done  func(routing.Response, error)
}

type shardStream = connect.BidiStreamForClientSimple[nodev1.CallFrame, nodev1.ReplyFrame]

func newLink(ctx context.Context, cfg *Config, hc connect.HTTPClient, address string) *link {
	return &link{
		cfg: cfg, address: address, ctx: ctx,
		client:  nodev1connect.NewShardServiceClient(hc, "http://"+address, clientOptions()...),
		breaker: breaker{min: cfg.PauseMin, max: cfg.PauseMax},
		pending: map[uint64]*waiting{},
		wake:    make(chan struct{}, 1),
	}
}

// clientOptions bound what is sent and received, and keep gzip out: frames are small and
// machines close (P34).
func clientOptions() []connect.ClientOption {
	return []connect.ClientOption{
		connect.WithReadMaxBytes(MessageMax), connect.WithSendMaxBytes(RequestMax),
		connect.WithAcceptCompression("gzip", nil, nil),
	}
}

// Submit queues one call. Done is called once, on any goroutine.
func (l *link) Submit(hd routing.Header, req routing.Request, done func(routing.Response, error)) (cancel func()) {
	nothing := func() {}
	if err := l.breaker.open(); err != nil {
		done(nil, &routing.UnavailableError{Shard: hd.Shard, Why: fmt.Sprintf("node at %s: %v", l.address, err)})
		return nothing
	}
	call, err := wire.EncodeCall(0, hd, req)
	if err != nil {
		done(nil, err)
		return nothing
	}
	q := queued{call, proto.Size(call) + 16}
	if q.size > RequestMax {
		done(nil, &mvcc.InvalidError{Reason: "REQUEST_TOO_LARGE",
			What: fmt.Sprintf("the request has %d bytes", q.size), Hint: "send less at once"})
		return nothing
	}
	id, err := l.enqueue(q, hd.Shard, done)
	if err != nil {
		done(nil, err)
		return nothing
	}
	return func() { l.cancel(id) }
}

func (l *link) enqueue(q queued, shard routing.ShardID, done func(routing.Response, error)) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return 0, &routing.UnavailableError{Shard: shard, Why: "the client was closed"}
	}
	if len(l.pending) >= l.cfg.CallsMax || l.bytes+q.size > l.cfg.QueueMax+RequestMax {
		return 0, &routing.OverloadedError{Shard: shard, Why: "too many calls under way to " + l.address}
	}
	l.nextID++
	q.call.Id = l.nextID
	l.pending[q.call.Id] = &waiting{shard: shard, done: done}
	l.queue = append(l.queue, q)
	l.bytes += q.size
	if !l.running {
		l.running = true
		go l.run()
	}
	l.poke()
	return q.call.Id, nil
}

func (l *link) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// cancel forgets a call. The node is told, so that nobody there works for it in vain.
func (l *link) cancel(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.pending[id]
	if !ok {
		return
	}
	delete(l.pending, id)
	if w.sent {
		l.cancels = append(l.cancels, id)
		l.poke()
	}
}

// run opens the stream, writes until it fails or nothing has been asked of it, and ends.
func (l *link) run() {
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	// The connection is made while the first frame is being sent. Where none is, the node has
	// seen nothing of it: an autocommit may go to another replica (S9).
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	stream, err := l.client.Stream(ctx)
	if err != nil {
		l.fail(err, connected.Load())
		return
	}
	read := make(chan error, 1)
	go func() {
		err := l.read(stream)
		cancel() // ends a Send that waits for the node to take more
		read <- err
	}()
	werr := l.write(ctx, stream)
	if errors.Is(werr, io.EOF) { // the reader is about to hear why; should it not, it need not
		defer time.AfterFunc(l.cfg.PingTimeout, cancel).Stop()
	} else {
		cancel()
	}
	rerr := <-read
	if werr == nil || errors.Is(werr, io.EOF) || errors.Is(werr, context.Canceled) {
		werr = rerr // the reader knows better why the stream is gone
	}
	l.fail(werr, connected.Load())
}

// yields is how often the writer lets others run before it closes a frame: they fill it.
const yields = 3

func (l *link) write(ctx context.Context, stream *shardStream) error {
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		for range yields {
			runtime.Gosched()
		}
		for {
			frame := l.frame()
			if frame == nil {
				break
			}
			if err := stream.Send(frame); err != nil {
				return err
			}
		}
	}
}

// frame takes what is queued, up to a bound; nil: nothing.
func (l *link) frame() *nodev1.CallFrame {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 && len(l.cancels) == 0 {
		return nil
	}
	frame := &nodev1.CallFrame{Cancels: l.cancels}
	l.cancels = nil
	size, n := 0, 0
	for ; n < len(l.queue) && (size == 0 || size+l.queue[n].size <= l.cfg.FrameMax); n++ {
		q := l.queue[n]
		l.bytes -= q.size
		w, ok := l.pending[q.call.Id]
		if !ok {
			continue // canceled before it went out
		}
		w.sent = true
		size += q.size
		frame.Calls = append(frame.Calls, q.call)
	}
	if n == len(l.queue) {
		l.queue = nil
	} else {
		l.queue = l.queue[n:]
	}
	return frame
}

func (l *link) read(stream *shardStream) error {
	heard := false
	for {
		frame, err := stream.Receive()
		if err != nil {
			return err
		}
		if !heard {
			heard = true
			l.breaker.succeeded()
		}
		for _, reply := range frame.GetReplies() {
			l.mu.Lock()
			w, ok := l.pending[reply.GetId()]
			delete(l.pending, reply.GetId())
			l.mu.Unlock()
			if ok {
				w.done(wire.DecodeReply(reply))
			}
		}
	}
}

// fail answers all calls, and leaves the link closed until the next one. Reached: there was a
// connection, so that what was sent may have been done.
func (l *link) fail(err error, reached bool) {
	if err == nil {
		err = io.EOF
	}
	if l.ctx.Err() == nil {
		l.breaker.failed(err)
		l.cfg.Log.Debug("lost a node", "address", l.address, "err", err)
	}
	l.mu.Lock()
	pending := l.pending
	l.pending, l.queue, l.bytes, l.cancels, l.running = map[uint64]*waiting{}, nil, 0, nil, false
	l.mu.Unlock()
	for _, w := range pending {
		w.done(nil, &routing.UnavailableError{Shard: w.shard, Maybe: w.sent && reached,
			Why: fmt.Sprintf("lost the connection to %s: %v", l.address, err)})
	}
}
