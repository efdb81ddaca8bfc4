package node

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/shard/routing"
)

// spans makes the spans of a request that is over: one for the request, a child of its
// caller's, and in it one for each phase, the one after the other.
func (o *observer) spans(t *host.Timing) {
	caller := trace.NewSpanContext(trace.SpanContextConfig{TraceID: t.Trace.ID, SpanID: t.Trace.Span,
		TraceFlags: trace.TraceFlags(t.Trace.Flags), Remote: true})
	fields := []attribute.KeyValue{attribute.Int64("shale.shard", int64(t.Shard)), attribute.Int64("shale.node", int64(o.n.whoami().NodeID))}
	if t.Txn != 0 {
		fields = append(fields, attribute.String("shale.txn", t.Txn.String()))
	}
	if o.n.cfg.TraceKeys {
		fields = append(fields, attribute.String("shale.keys", keysText(t.Req)))
	}
	ctx, span := o.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), caller), "shard "+t.Kind,
		trace.WithTimestamp(t.At), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(fields...))
	at := t.At
	for phase, took := range t.Phases {
		if took <= 0 {
			continue
		}
		_, child := o.tracer.Start(ctx, host.Phase(phase).String(), trace.WithTimestamp(at))
		at = at.Add(took)
		child.End(trace.WithTimestamp(at))
	}
	if t.Err != nil {
		span.SetStatus(codes.Error, routing.ErrorName(t.Err))
	}
	span.End(trace.WithTimestamp(t.At.Add(max(t.Total, time.Nanosecond))))
}

// keysTextMax bounds the keys that a span names.
const keysTextMax = 16

// keysText names the keys of a request, as the formatter prints them.
func keysText(req routing.Request) string {
	var keys []mvcc.Key
	switch a := req.(type) {
	case *mvcc.GetArgs:
		keys = a.Keys
	case *mvcc.ScanArgs:
		keys = []mvcc.Key{a.Span.Start, a.Span.End}
	case *mvcc.PrewriteArgs:
		for i := range a.Mutations {
			keys = append(keys, a.Mutations[i].Key)
		}
	case *mvcc.ClaimArgs:
		keys = a.Keys
	case *mvcc.CommitArgs:
		keys = a.Keys
	case *mvcc.RollbackArgs:
		keys = a.Keys
	}
	text := make([]string, 0, keysTextMax)
	for _, k := range keys[:min(len(keys), keysTextMax)] {
		text = append(text, mvcc.FormatKey(k))
	}
	return strings.Join(text, " ")
}
