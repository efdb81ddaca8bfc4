package txn

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Step is a part of a Commit, as its caller waits for it.
type Step uint8

const (
	StepPrewrite Step = iota // until all locks stand, or the outcome is known
	StepValidate             // what was read
	StepRecord               // at the primary
	StepDisclose             // until the oracle has passed the commit timestamp
	Steps                    // how many there are
)

func (s Step) String() string { return [Steps]string{"prewrite", "validate", "record", "disclose"}[s] }

// Mode is how a Commit comes to its commit point, or would have.
type Mode uint8

const (
	ModeOnePhase Mode = iota // one shard held everything
	ModeAsync                // all locks stand
	ModeTwoPhase             // recorded at the primary
	Modes                    // how many there are
)

func (m Mode) String() string { return [Modes]string{"one_phase", "async", "two_phase"}[m] }

// Report is where the time of one Commit went. Autocommits that begin again have one for each
// try.
type Report struct {
	Start timestamp.Timestamp
	Mode  Mode
	Began time.Duration // by Tasks.Now
	Total time.Duration
	Steps [Steps]time.Duration
	Err   error
}

// watch is how a commit under way is looked at. Without Config.Ended, and where its caller's
// span is not recorded, it does nothing.
type watch struct {
	report Report
	step   Step
	since  time.Duration
	span   trace.Span // nil: not traced
}

// watched runs the commit and says where its time went.
func (t *commit) watched(ctx context.Context) (timestamp.Timestamp, error) {
	ctx, t.watch.span = spanIn(ctx, "Commit")
	w := &t.watch
	w.report.Start = t.tx.Start
	if t.c.cfg.Ended != nil {
		w.report.Began = t.c.w.Tasks.Now()
		w.since = w.report.Began
	}
	commitTS, err := t.run(ctx)
	if w.span == nil && t.c.cfg.Ended == nil {
		return commitTS, err
	}
	t.enter(w.step)
	w.report.Mode, w.report.Err = t.mode(), err
	if w.span != nil {
		w.span.SetAttributes(attribute.String("shale.txn", t.tx.Start.String()), attribute.String("shale.mode", w.report.Mode.String()))
		endSpan(w.span, err)
	}
	if t.c.cfg.Ended != nil {
		w.report.Total = t.c.w.Tasks.Now() - w.report.Began
		t.c.cfg.Ended(&w.report)
	}
	return commitTS, err
}

// enter ends one step and begins another.
func (t *commit) enter(s Step) {
	if t.c.cfg.Ended == nil {
		return
	}
	now := t.c.w.Tasks.Now()
	t.watch.report.Steps[t.watch.step] += now - t.watch.since
	t.watch.step, t.watch.since = s, now
}

func (t *commit) mode() Mode {
	switch {
	case t.decided || !t.spread:
		return ModeOnePhase
	case t.async:
		return ModeAsync
	}
	return ModeTwoPhase
}

// joined is the context of a task behind the commit's back, with the commit's span.
func (t *commit) joined(ctx context.Context) context.Context {
	if t.watch.span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, t.watch.span)
}

// spanIn begins a child of the context's span where that is sampled, though it may have ended;
// nil: it is not. It asks nobody for a tracer: whoever began the trace chose one.
func spanIn(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsSampled() {
		return ctx, nil
	}
	return parent.TracerProvider().Tracer("github.com/shaledb/shale/txn").Start(ctx, name)
}

// endSpan ends what spanIn began. What an error says may name keys: its kind is enough.
func endSpan(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, routing.ErrorName(err))
	}
	span.End()
}
