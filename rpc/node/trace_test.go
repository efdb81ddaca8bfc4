package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// traced is a cluster of three that traces into memory.
func traced(t *testing.T, change func(*Config)) (*trio, *tracetest.InMemoryExporter, trace.TracerProvider) {
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	client := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	c := newTrioOf(t, 3, func(cfg *Config) {
		cfg.Tracer = tracer
		if change != nil {
			change(cfg)
		}
	})
	c.split(0, "secret-m")
	return c, spans, client
}

// tree prints the spans of a trace as "parent > child", how often each stands there. Every span
// but the root must have its parent among them.
func tree(t *testing.T, spans tracetest.SpanStubs, root trace.SpanContext) map[string]int {
	byID := map[trace.SpanID]tracetest.SpanStub{}
	for _, s := range spans {
		if s.SpanContext.TraceID() == root.TraceID() {
			byID[s.SpanContext.SpanID()] = s
		}
	}
	edges := map[string]int{}
	for _, s := range byID {
		require.False(t, s.EndTime.Before(s.StartTime), s.Name)
		if s.SpanContext.SpanID() == root.SpanID() {
			require.False(t, s.Parent.IsValid())
			continue
		}
		parent, there := byID[s.Parent.SpanID()]
		if !there {
			edges["lost > "+s.Name]++
			continue
		}
		edges[parent.Name+" > "+s.Name]++
	}
	return edges
}

// TestOneTree: a transaction of a program over two shards is one tree, from the program's own
// span through Commit and each shard's prewrite to what the shards' leaders did, and so are the
// record and the locks turned behind the caller's back. No key and no value is in it.
func TestOneTree(t *testing.T) {
	c, spans, client := traced(t, nil)
	db, err := txn.Open(c.ctx(), c.addresses)
	require.NoError(t, err)
	defer db.Close()
	ctx, root := client.Tracer("program").Start(c.ctx(), "transfer")
	require.NoError(t, db.Update(ctx, func(tx *txn.Txn) error {
		if _, err := tx.Get(ctx, "secret-a"); err != nil {
			return err
		}
		return errors.Join(tx.Put("secret-a", []byte("secret-1")), tx.Put("secret-x", []byte("secret-2")))
	}))
	root.End()
	want := map[string]int{"transfer > get": 1, "transfer > Commit": 1, "Commit > prewrite": 2, "prewrite > shard prewrite": 2,
		"shard prewrite > consensus": 2, "Commit > record": 1, "record > commit": 1, "commit > shard commit": 2,
		"shard commit > consensus": 2, "Commit > resolve": 1, "resolve > commit": 1, "get > shard get": 1}
	var edges map[string]int
	require.Eventually(t, func() bool { // the nodes make their spans behind their answers
		edges = tree(t, spans.GetSpans(), root.SpanContext())
		for edge, n := range want {
			if edges[edge] < n { // more where a leader had to be looked for
				return false
			}
		}
		return edges["shard prewrite > apply"] >= 2 && edges["shard prewrite > queue"] >= 2
	}, time.Minute, 10*time.Millisecond, "%v", edges)
	for edge := range edges {
		require.NotContains(t, edge, "lost > ")
	}
	require.Equal(t, 1, edges["transfer > Commit"])
	shards := map[string]bool{}
	for _, s := range spans.GetSpans() {
		require.NotContains(t, fmt.Sprint(s.Name, s.Attributes, s.Status, s.Events), "secret")
		for _, a := range s.Attributes {
			if s.Name == "shard prewrite" && a.Key == "shale.shard" && s.Status.Code == codes.Unset {
				shards[a.Value.String()] = true
			}
			if s.Name == "Commit" && a.Key == "shale.mode" {
				require.Equal(t, "async", a.Value.AsString())
			}
		}
	}
	require.Len(t, shards, 2)
}

// TestGatewayTrace: a call that names its trace (W3C) has the gateway's span below it; one that
// names none is sampled by the node, here never, and leaves nothing behind.
func TestGatewayTrace(t *testing.T) {
	c, spans, client := traced(t, func(cfg *Config) { cfg.TraceKeys = true })
	c.commit(0, "secret-value", nil, "secret-a", "secret-x")
	require.Empty(t, spans.GetSpans())
	ctx, root := client.Tracer("program").Start(context.Background(), "transfer")
	header := http.Header{}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
	c.commit(1, "secret-value", header, "secret-a", "secret-x")
	root.End()
	require.Eventually(t, func() bool {
		edges := tree(t, spans.GetSpans(), root.SpanContext())
		return edges["transfer > shale.v1.TxnService/Commit"] == 1 && edges["shale.v1.TxnService/Commit > Commit"] == 1 &&
			edges["Commit > prewrite"] >= 2 && edges["shard prewrite > consensus"] >= 2
	}, time.Minute, 10*time.Millisecond)
	all := fmt.Sprintf("%+v", spans.GetSpans())
	require.True(t, strings.Contains(all, "secret-a") && strings.Contains(all, "secret-x"), "keys were asked for")
	require.NotContains(t, all, "secret-value")
}

// TestKeysText: what a span names is bounded.
func TestKeysText(t *testing.T) {
	a := &mvcc.GetArgs{}
	for i := range 100 {
		a.Keys = append(a.Keys, mvcc.Key(fmt.Sprint("k", i)))
	}
	require.Len(t, strings.Fields(keysText(a)), keysTextMax)
}
