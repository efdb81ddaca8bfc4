package server

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// shards serves the multiplexed streams.
type shards struct{ s *Server }

type callStream = connect.BidiStream[nodev1.CallFrame, nodev1.ReplyFrame]

// Stream serves one client until it goes or the server stops.
func (h shards) Stream(ctx context.Context, stream *callStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.s.ctx, cancel)()
	ss := &session{cfg: &h.s.cfg, metrics: h.s.metrics, cancels: map[uint64]func(){}, wake: make(chan struct{}, 1)}
	h.s.metrics.streams.Inc()
	defer h.s.metrics.streams.Dec()
	read := make(chan error, 1)
	go func() {
		err := ss.read(stream)
		cancel()
		read <- err
	}()
	err := ss.write(ctx, stream)
	ss.end()
	if h.s.ctx.Err() != nil {
		return connect.NewError(connect.CodeUnavailable, errors.New("UNAVAILABLE: this node is stopping"))
	}
	if err == nil || errors.Is(err, context.Canceled) {
		select {
		case err = <-read:
		default: // it ends when this handler has returned
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// session is one stream: calls come in through read, replies gather in the outbox while the
// last frame is written.
type session struct {
	cfg     *Config
	metrics *metrics
	wake    chan struct{} // capacity 1

	mu      sync.Mutex
	ended   bool
	cancels map[uint64]func() // of the calls under way
	outbox  []reply
	bytes   int // of the outbox and of the frame being written, about
	calls   int // under way, or answered and not yet written
}

type reply struct {
	id    uint64
	res   routing.Response
	err   error
	bytes int
}

func (ss *session) read(stream *callStream) error {
	for {
		frame, err := stream.Receive()
		if err != nil {
			return err
		}
		for _, id := range frame.GetCancels() {
			ss.cancel(id)
		}
		for _, call := range frame.GetCalls() {
			ss.submit(call)
		}
		if ss.flooded() {
			return connect.NewError(connect.CodeResourceExhausted,
				errors.New("OVERLOADED: the client sends calls and does not read their answers"))
		}
		ss.metrics.frames.Inc()
		ss.metrics.calls.Add(float64(len(frame.GetCalls())))
	}
}

// flooded says whether even the refusals wait in vain.
func (ss *session) flooded() bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.calls > 2*ss.cfg.CallsMax
}

// submit hands one call to the node's replicas.
func (ss *session) submit(call *nodev1.Call) {
	id := call.GetId()
	hd, req, err := wire.DecodeCall(call)
	if err == nil {
		err = admit(req)
	}
	if e := ss.begin(id, hd.Shard); e != nil {
		ss.put(reply{id: id, err: e})
		return
	}
	if err != nil {
		ss.answer(id, nil, err)
		return
	}
	cancel := ss.cfg.Replicas.Submit(hd, req, func(res routing.Response, err error) { ss.answer(id, res, err) })
	ss.mu.Lock()
	_, waits := ss.cancels[id]
	if waits {
		ss.cancels[id] = cancel
	}
	ended := ss.ended
	ss.mu.Unlock()
	if ended && waits {
		cancel()
	}
}

// begin notes a call, or refuses it where too many are under way.
func (ss *session) begin(id uint64, shard routing.ShardID) error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.calls++
	if _, twice := ss.cancels[id]; twice {
		return &mvcc.InvalidError{Reason: "MALFORMED", What: "a call's id is in use on this stream",
			Hint: "number the calls of a stream"}
	}
	if ss.calls > ss.cfg.CallsMax || ss.bytes > ss.cfg.ReplyBytesMax {
		return &routing.OverloadedError{Shard: shard, Why: "too many calls are under way on this stream"}
	}
	ss.cancels[id] = func() {}
	return nil
}

func (ss *session) cancel(id uint64) {
	ss.mu.Lock()
	cancel := ss.cancels[id]
	if cancel != nil {
		delete(ss.cancels, id)
		ss.calls--
	}
	ss.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// answer queues the reply of a call under way; one that was canceled has none. It runs on
// the replicas' goroutines: the message is made later, by the writer.
func (ss *session) answer(id uint64, res routing.Response, err error) {
	r := reply{id, res, err, sizeOf(res)}
	if r.bytes > client.MessageMax-(8<<20) {
		r = reply{id: id, err: &wire.AnswerTooLargeError{What: "the answer is larger than 64 MiB"}}
	}
	ss.mu.Lock()
	_, waits := ss.cancels[id]
	delete(ss.cancels, id)
	ss.mu.Unlock()
	if waits {
		ss.put(r)
	}
}

func (ss *session) put(r reply) {
	ss.mu.Lock()
	if !ss.ended {
		ss.outbox = append(ss.outbox, r)
		ss.bytes += r.bytes
	}
	ss.mu.Unlock()
	select {
	case ss.wake <- struct{}{}:
	default:
	}
}

// yields is how often the writer lets others run before it takes what is there: they fill
// the frame.
const yields = 2

func (ss *session) write(ctx context.Context, stream *callStream) error {
	for {
		select {
		case <-ss.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		for range yields {
			runtime.Gosched()
		}
		ss.mu.Lock()
		replies := ss.outbox
		ss.outbox = nil
		ss.mu.Unlock()
		if err := ss.send(stream, replies); err != nil {
			return err
		}
	}
}

// replyFrameMax closes a frame: a large reply goes alone.
const replyFrameMax = 1 << 20

func (ss *session) send(stream *callStream, replies []reply) error {
	for len(replies) > 0 {
		frame := &nodev1.ReplyFrame{}
		bytes, n := 0, 0
		for ; n < len(replies) && (n == 0 || bytes+replies[n].bytes <= replyFrameMax); n++ {
			r := &replies[n]
			bytes += r.bytes
			frame.Replies = append(frame.Replies, wire.EncodeReply(r.id, r.res, r.err))
		}
		if err := stream.Send(frame); err != nil {
			return err
		}
		ss.mu.Lock()
		ss.bytes -= bytes
		ss.calls -= n
		ss.mu.Unlock()
		replies = replies[n:]
	}
	return nil
}

// end cancels what is under way: nobody waits for it any more.
func (ss *session) end() {
	ss.mu.Lock()
	cancels := ss.cancels
	ss.cancels, ss.outbox, ss.ended = map[uint64]func(){}, nil, true
	ss.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
}

// sizeOf is about how many bytes a reply takes.
func sizeOf(res routing.Response) int {
	const fixed, each = 64, 32
	var versions []mvcc.Version
	switch r := res.(type) {
	case *mvcc.GetResult:
		versions = r.Versions
	case *mvcc.ScanResult:
		versions = r.Versions
	case *mvcc.ClaimResult:
		versions = r.Versions
	}
	n := fixed
	for i := range versions {
		n += each + len(versions[i].Key) + len(versions[i].Value)
	}
	return n
}
