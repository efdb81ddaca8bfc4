package txn

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// yes is a world in which every shard says yes at once, and each call takes a millisecond.
type yes struct {
	now  time.Duration
	last timestamp.Timestamp
	err  error
}

func (y *yes) Send(_ context.Context, calls []*routing.Call, _ func(*routing.Call) bool) {
	y.now += time.Millisecond
	for _, call := range calls {
		switch a := call.Req.(type) {
		case *mvcc.PrewriteArgs:
			res := &mvcc.PrewriteResult{MinCommitTS: a.Start + 1}
			if a.OnePhase {
				res = &mvcc.PrewriteResult{CommitTS: a.Start + 1}
			}
			call.Res, call.Err = res, y.err
		case *mvcc.CommitArgs:
			call.Res = &mvcc.CommitResult{CommitTS: a.CommitTS}
		case *mvcc.ValidateArgs:
			call.Res = &mvcc.ValidateResult{}
		default:
			call.Res = &mvcc.TxnStatus{Decision: mvcc.Aborted}
		}
	}
}

func (y *yes) Next(context.Context) (timestamp.Timestamp, error) {
	y.last += 10
	return y.last, nil
}

func (y *yes) Find(_ context.Context, k mvcc.Key) (routing.Descriptor, error) {
	if k < "m" {
		return routing.Descriptor{ID: 2, Span: mvcc.Span{Start: mvcc.FirstUserKey, End: "m"}}, nil
	}
	return routing.Descriptor{ID: 3, Span: mvcc.Span{Start: "m"}}, nil
}

func (y *yes) Learn(routing.Descriptor)                    {}
func (y *yes) Forget(routing.Descriptor)                   {}
func (y *yes) Now() time.Duration                          { return y.now }
func (y *yes) Sleep(context.Context, time.Duration) error  { return nil }
func (y *yes) Spawn(_ string, f func(ctx context.Context)) {}
func (y *yes) coordinator(ended func(*Report)) *Coordinator {
	return NewCoordinator(Windows{Sender: y, Timestamps: y, Shards: y, Tasks: y}, Config{Ended: ended})
}

func putsOf(keys ...mvcc.Key) mvcc.Content {
	var c mvcc.Content
	for _, k := range keys {
		c.Mutations = append(c.Mutations, mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: []byte("v")})
	}
	return c
}

// TestReports: each mode says where its time went, and a refusal why.
func TestReports(t *testing.T) {
	y := &yes{}
	var got []Report
	c := y.coordinator(func(r *Report) { got = append(got, *r) })
	commit := func(content mvcc.Content) Report {
		start, err := c.Now(t.Context())
		require.NoError(t, err)
		_, _ = c.Commit(t.Context(), Transaction{Start: start}, content)
		require.NotEmpty(t, got)
		last := got[len(got)-1]
		require.Equal(t, start, last.Start)
		return last
	}
	one := commit(putsOf("a", "b"))
	require.Equal(t, ModeOnePhase, one.Mode)
	require.Equal(t, time.Millisecond, one.Total)
	require.Equal(t, [Steps]time.Duration{StepPrewrite: time.Millisecond}, one.Steps)
	require.Equal(t, ModeAsync, commit(putsOf("a", "x")).Mode)
	two := putsOf("a", "x")
	two.Serializable, two.ReadKeys = true, []mvcc.Key{"y"}
	serializable := commit(two)
	require.Equal(t, ModeTwoPhase, serializable.Mode)
	require.Equal(t, [Steps]time.Duration{StepPrewrite: time.Millisecond, StepValidate: time.Millisecond,
		StepRecord: time.Millisecond}, serializable.Steps)
	y.err = &mvcc.WriteConflictError{Key: "a", Final: true}
	require.Equal(t, "WriteConflict", routing.ErrorName(commit(putsOf("a")).Err))
	require.Len(t, got, 4)
}

// TestSpans: a Commit is a child of its caller's span, where that is sampled. One that is not,
// and none, cost no allocation.
func TestSpans(t *testing.T) {
	y := &yes{}
	c := y.coordinator(nil)
	content := putsOf("a", "x")
	run := func(ctx context.Context) float64 {
		return testing.AllocsPerRun(100, func() {
			if _, err := c.Autocommit(ctx, content); err != nil {
				panic(err)
			}
		})
	}
	plain := run(t.Context())
	spans := tracetest.NewInMemoryExporter()
	never := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithSampler(sdktrace.NeverSample()))
	unsampled, _ := never.Tracer("t").Start(t.Context(), "root")
	require.Equal(t, plain, run(unsampled))
	watched := y.coordinator(func(*Report) {})
	c = watched
	require.Equal(t, plain, run(t.Context()), "a report costs none either")
	require.Empty(t, spans.GetSpans())

	always := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	ctx, root := always.Tracer("t").Start(t.Context(), "root")
	y.err = errors.New("secret")
	_, err := c.Autocommit(ctx, content)
	require.Error(t, err)
	root.End()
	got := spans.GetSpans()
	require.NotContains(t, fmt.Sprintf("%+v", got), "secret")
	require.Equal(t, "Commit", got[len(got)-2].Name)
	require.Equal(t, root.SpanContext().SpanID(), got[len(got)-2].Parent.SpanID())
}

func BenchmarkCommit(b *testing.B) {
	y := &yes{}
	c := y.coordinator(func(*Report) {})
	content := putsOf("a", "x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Autocommit(b.Context(), content); err != nil {
			b.Fatal(err)
		}
	}
}
