package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// TestOTLP: a collector gets spans with their parents, times and fields.
func TestOTLP(t *testing.T) {
	got := make(chan otlpTraces, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/v1/traces", r.URL.Path)
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		var m otlpTraces
		require.NoError(t, json.NewDecoder(r.Body).Decode(&m))
		got <- m
	}))
	defer collector.Close()
	tracer, err := newTracer(collector.URL, 1, "shale")
	require.NoError(t, err)
	ctx, root := tracer.Tracer("a").Start(context.Background(), "root", trace.WithSpanKind(trace.SpanKindServer))
	_, child := tracer.Tracer("b").Start(ctx, "child", trace.WithAttributes(attribute.Int64("shale.shard", 1<<60)))
	child.SetStatus(codes.Error, "WriteConflict")
	child.End()
	root.End()
	require.NoError(t, tracer.Shutdown(context.Background()))
	m := <-got
	require.Len(t, m.ResourceSpans, 1)
	require.Equal(t, otlpAttribute{"service.name", map[string]any{"stringValue": "shale"}}, m.ResourceSpans[0].Resource.Attributes[0])
	scopes := m.ResourceSpans[0].ScopeSpans
	require.Len(t, scopes, 2)
	c, r := scopes[0].Spans[0], scopes[1].Spans[0]
	require.Equal(t, "child", c.Name)
	require.Equal(t, r.SpanID, c.Parent)
	require.Equal(t, r.TraceID, c.TraceID)
	require.Empty(t, r.Parent)
	require.Equal(t, 2, r.Kind)
	require.Equal(t, otlpStatus{Code: 2, Message: "WriteConflict"}, c.Status)
	require.Equal(t, "1152921504606846976", c.Attributes[0].Value["intValue"])
	require.Len(t, c.Start, len("1700000000000000000"))
}

func TestTracerRefusesNonsense(t *testing.T) {
	for _, endpoint := range []string{"localhost:4318", "grpc://x", "http://", "%"} {
		_, err := newTracer(endpoint, 1, "shale")
		require.ErrorContains(t, err, "--otlp-endpoint")
	}
	_, err := newTracer("http://localhost:4318", 1.5, "shale")
	require.ErrorContains(t, err, "--trace-sample")
}
