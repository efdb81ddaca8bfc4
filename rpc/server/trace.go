package server

import (
	"context"
	"strings"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/shard/routing"
)

// Package otelconnect would do the same for unary calls, and brings the second major version
// of connect into the program with it.

// traced begins the span of a unary call, as a child of its caller's where the request names
// one (W3C Trace Context); nil: this server traces nothing. On the multiplexed streams each
// call carries its own.
func (s *Server) traced(ctx context.Context, req connect.AnyRequest) (context.Context, trace.Span) {
	if s.cfg.Tracer == nil {
		return ctx, nil
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(req.Header()))
	name := strings.TrimPrefix(req.Spec().Procedure, "/")
	return s.cfg.Tracer.Tracer("github.com/shaledb/shale/rpc/server").Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
}

// endTrace ends it. What an error says may name keys: its kind is enough.
func endTrace(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, routing.ErrorName(err))
	}
	span.End()
}
