package client

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/shard/meter"
	"github.com/shaledb/shale/shard/routing"
)

// Metrics are a cluster client's.
type Metrics struct {
	Draw  meter.Durations // from the request to the oracle until its answer
	Drawn meter.Numbers   // timestamps that one request asks for
}

// Metrics are what this client measured since Dial.
func (c *Cluster) Metrics() *Metrics { return &c.metrics }

// begin makes the span of a call where ctx's is sampled; the replica's is to be its child. The
// tracer is that of whoever began the trace.
func (a *attempt) begin(ctx context.Context) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsSampled() {
		return
	}
	_, a.span = parent.TracerProvider().Tracer("github.com/shaledb/shale/rpc/client").Start(ctx, nameOf(a.call.Req),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.Int64("shale.shard", int64(a.call.To.ID))))
	if sc := a.span.SpanContext(); sc.IsSampled() {
		a.trace = &routing.Trace{ID: sc.TraceID(), Span: sc.SpanID(), Flags: byte(sc.TraceFlags())}
	}
}

// end ends it. What an error says may name keys: its kind is enough.
func (a *attempt) end(err error) {
	if a.span == nil {
		return
	}
	a.span.SetAttributes(attribute.Int64("shale.node", int64(a.node)), attribute.Int("shale.tries", a.number-1))
	if err != nil {
		a.span.SetStatus(codes.Error, routing.ErrorName(err))
	}
	a.span.End()
	a.span = nil
}

// nameOf is the kind of a request: "prewrite" for *mvcc.PrewriteArgs.
func nameOf(req routing.Request) string {
	name := fmt.Sprintf("%T", req)
	return strings.ToLower(strings.TrimSuffix(name[strings.LastIndexByte(name, '.')+1:], "Args"))
}
