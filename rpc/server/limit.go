package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// largeCall is from where on a unary call counts as large.
const largeCall = 1 << 20

// limit bounds unary calls before anything of them is read: how many there are, how large
// they are, and how long their bodies may take. Streams have bounds of their own.
func (s *Server) limit(next http.Handler) http.Handler {
	calls := make(chan struct{}, s.cfg.UnaryMax)
	large := make(chan struct{}, s.cfg.LargeMax)
	refuse := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if streaming(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		if !take(calls) {
			s.refuse(refuse, w, r, &routing.OverloadedError{Why: "too many calls at once"})
			return
		}
		defer release(calls)
		if compressed(r.Header) {
			s.refuse(refuse, w, r, &wire.UnimplementedError{What: "a compressed request"})
			return
		}
		if r.ContentLength > int64(s.cfg.PublicMax) {
			s.refuse(refuse, w, r, tooLarge(s.cfg.PublicMax))
			return
		}
		body := &countedBody{ReadCloser: r.Body, tokens: large, max: s.cfg.PublicMax}
		r.Body = body
		defer body.release()
		// The connection outlives the call: only the reading of this body has an end.
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.BodyTimeout)); err == nil {
			defer http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
		next.ServeHTTP(w, r)
	})
}

// compressed says whether a body would have to be inflated before its size is known (P34).
func compressed(h http.Header) bool {
	for _, name := range [...]string{"Content-Encoding", "Grpc-Encoding"} {
		if how := h.Get(name); how != "" && how != "identity" {
			return true
		}
	}
	return false
}

func tooLarge(most int) error {
	return &mvcc.InvalidError{Reason: "REQUEST_TOO_LARGE", What: fmt.Sprintf("the request has more than %d bytes", most),
		Hint: "send less at once"}
}

// countedBody takes a token where a body turns out to be large, and fails where there is none
// or where it is larger than any may be.
type countedBody struct {
	io.ReadCloser
	tokens chan struct{}
	max    int
	read   int
	holds  bool
}

func (b *countedBody) Read(p []byte) (int, error) {
	if b.read > largeCall && !b.holds {
		if !take(b.tokens) {
			return 0, wire.Public(&routing.OverloadedError{Why: "too many large calls at once"})
		}
		b.holds = true
	}
	n, err := b.ReadCloser.Read(p)
	if b.read += n; b.read > b.max {
		return 0, wire.Public(tooLarge(b.max))
	}
	return n, err
}

func (b *countedBody) release() {
	if b.holds {
		release(b.tokens)
	}
}

func take(tokens chan struct{}) bool {
	select {
	case tokens <- struct{}{}:
		return true
	default:
		return false
	}
}

func release(tokens chan struct{}) { <-tokens }

// streaming says whether a path is a stream's.
func streaming(path string) bool {
	switch path {
	case nodev1connect.ShardServiceStreamProcedure, nodev1connect.PeerServiceMessagesProcedure,
		nodev1connect.PeerServiceSnapshotProcedure:
		return true
	}
	return strings.HasPrefix(path, "/grpc.reflection.") || path == "/grpc.health.v1.Health/Watch"
}

func (s *Server) refuse(w *connect.ErrorWriter, rw http.ResponseWriter, r *http.Request, err error) {
	s.metrics.refused.Inc()
	if w.IsSupported(r) {
		if e := w.Write(rw, r, wire.Public(err)); e != nil {
			s.cfg.Log.Debug("a refusal could not be written", "err", e)
		}
		return
	}
	http.Error(rw, wire.Public(err).Message(), http.StatusServiceUnavailable)
}

// interceptor gives unary calls a deadline, asks whether their caller may call them and whether
// they are admitted, measures all, and makes errors public.
func (s *Server) interceptor() connect.Interceptor { return around{s} }

type around struct{ s *Server }

func (a around) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, cancel := a.s.cfg.bounded(ctx)
		defer cancel()
		ctx, span := a.s.traced(ctx, req)
		a.s.metrics.underWay.Inc()
		defer a.s.metrics.underWay.Dec()
		began := time.Now()
		var res connect.AnyResponse
		err := a.s.allowed(ctx, req.Spec().Procedure)
		if err == nil {
			err = admitUnary(req.Spec().Procedure, req.Any())
		}
		if err == nil {
			res, err = next(ctx, req)
		}
		endTrace(span, err)
		if err != nil {
			err = publicError(ctx, err)
		}
		a.s.metrics.call(req.Spec().Procedure, err, time.Since(began))
		return res, err
	}
}

func (a around) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (a around) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		began := time.Now()
		err := a.s.allowed(ctx, conn.Spec().Procedure)
		if err == nil {
			err = next(ctx, conn)
		}
		if err != nil {
			err = publicError(ctx, err)
		}
		a.s.metrics.call(conn.Spec().Procedure, err, time.Since(began))
		return err
	}
}

// publicError is what the caller hears. Where the caller's own deadline has passed, or the
// caller has gone, that comes first: the outcome of a Commit can then be asked. The node's
// own deadline is nobody's but the node's: the cluster was not available that long. Except
// that an autocommit's unknown outcome is always said: its ids are known here alone (S9).
func publicError(ctx context.Context, err error) error {
	var unknown *wire.OutcomeUnknownError
	if ctx.Err() == nil || errors.As(err, &unknown) || !passes(err) {
		return wire.Public(err)
	}
	var undetermined *mvcc.UndeterminedError
	switch own := errors.Is(context.Cause(ctx), errOwnDeadline); {
	case own && errors.As(err, &undetermined):
		return wire.Public(err)
	case own:
		return wire.Public(&routing.UnavailableError{Why: fmt.Sprintf("%v (%v)", errOwnDeadline, err)})
	}
	return wire.Public(fmt.Errorf("%w (%v)", ctx.Err(), err))
}

// passes says whether err might go away, had the caller more time.
func passes(err error) bool {
	var unavailable *routing.UnavailableError
	var undetermined *mvcc.UndeterminedError
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.As(err, &unavailable) || errors.As(err, &undetermined)
}

// recovered answers for a handler that panicked: one call fails, the node stays.
func (s *Server) recovered(_ context.Context, spec connect.Spec, _ http.Header, cause any) error {
	s.cfg.Log.Error("a handler panicked", "procedure", spec.Procedure, "cause", cause, "stack", string(debug.Stack()))
	return wire.Public(&wire.InternalError{What: fmt.Sprintf("a defect in %s: %v", spec.Procedure, cause)})
}
