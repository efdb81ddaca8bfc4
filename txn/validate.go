package txn

import (
	"context"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// The bounds of what a serializable transaction may have read.
const (
	readsMax      = 64 << 10 // keys and spans
	readsBytesMax = 8 << 20  // of keys and bounds
)

// validated says whether a commit of the content has reads to validate.
func validated(content *mvcc.Content) bool {
	return content.Serializable && len(content.ReadKeys)+len(content.ReadSpans) > 0
}

// validateReads checks the form of what was read.
func validateReads(content *mvcc.Content) error {
	if !content.Serializable && len(content.ReadKeys)+len(content.ReadSpans) > 0 {
		return &mvcc.InvalidError{Reason: "READS_UNUSED", What: "a commit names its reads, but its transaction is not serializable",
			Hint: "begin with SERIALIZABLE, or leave the reads out"}
	}
	size := 0
	for _, k := range content.ReadKeys {
		if err := mvcc.ValidateKey(k); err != nil {
			return err
		}
		size += len(k)
	}
	for _, s := range content.ReadSpans {
		for _, k := range [...]mvcc.Key{s.Start, s.End} {
			if err := mvcc.ValidateBound(k); err != nil {
				return err
			}
			size += len(k)
		}
	}
	if len(content.ReadKeys)+len(content.ReadSpans) > readsMax || size > readsBytesMax {
		return errReadsTooLarge()
	}
	return nil
}

func errReadsTooLarge() error {
	return &mvcc.InvalidError{Reason: "READS_TOO_LARGE",
		What: fmt.Sprintf("a serializable transaction has read more than %d keys and spans, or %d bytes of them", readsMax, readsBytesMax),
		Hint: "read less, scan wider spans, or use snapshot isolation"}
}

// readsWithin says whether one phase can validate what was read: single keys, all in the shard
// that is written.
func (t *commit) readsWithin(ctx context.Context, d routing.Descriptor) (bool, error) {
	if len(t.content.ReadSpans) > 0 {
		return false, nil
	}
	for _, k := range t.content.ReadKeys {
		at, err := t.c.w.Shards.Find(ctx, k)
		if err != nil || at.ID != d.ID {
			return false, err
		}
	}
	return true, nil
}

// validate moves a serializable commit to a timestamp V at which what it has read is still
// what stands there. V is drawn after all locks stand: a calculated one would carry maxRead
// above what the oracle has issued, and a later acknowledgement with it (S2). Each shard
// raises maxRead to V first, so that nothing is written at or below V afterwards.
func (t *commit) validate(ctx context.Context) error {
	if !validated(&t.content) || t.recorded {
		return nil
	}
	for above := t.commitTS; ; {
		v, err := t.c.Now(ctx)
		if err != nil {
			return err
		}
		if t.commitTS = v; v >= above {
			break
		}
	}
	todo := t.readParts()
	p := t.c.patience()
	for len(todo) > 0 {
		var err error
		if todo, err = t.validateOnce(ctx, todo); err != nil {
			if err = p.pause(ctx, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// readPart is a key or a span that was read.
type readPart struct {
	key  mvcc.Key
	span mvcc.Span // empty where a key was read
}

func (t *commit) readParts() []readPart {
	parts := make([]readPart, 0, len(t.content.ReadKeys)+len(t.content.ReadSpans))
	for _, k := range t.content.ReadKeys {
		parts = append(parts, readPart{key: k})
	}
	for _, s := range t.content.ReadSpans {
		if s.Start == "" {
			s.Start = mvcc.FirstUserKey
		}
		if !s.Empty() {
			parts = append(parts, readPart{key: s.Start, span: s})
		}
	}
	return parts
}

// validateOnce asks every shard once. What it returns is to be asked again: parts whose shard
// did not answer, and what of spans lies in further shards.
func (t *commit) validateOnce(ctx context.Context, parts []readPart) (left []readPart, err error) {
	groups, err := groupByShard(ctx, t.c.w.Shards, parts, func(r readPart) mvcc.Key { return r.key })
	if err != nil {
		return parts, err
	}
	calls := make([]*routing.Call, len(groups))
	for i, g := range groups {
		args := &mvcc.ValidateArgs{Start: t.tx.Start, ReadTS: t.tx.readTS(), At: t.commitTS}
		for _, r := range g.items {
			if r.span == (mvcc.Span{}) {
				args.Keys = append(args.Keys, r.key)
			} else {
				args.Spans = append(args.Spans, g.to.Span.Clip(r.span))
			}
		}
		calls[i] = &routing.Call{To: g.to, Req: args}
	}
	t.c.w.Sender.Send(ctx, calls, func(call *routing.Call) bool { return refusal(call.Err) })
	for i, call := range calls {
		if call.Err != nil {
			t.c.rerouted(call)
			err = worse(err, call.Err)
			left = append(left, groups[i].items...)
			continue
		}
		if _, ok := call.Res.(*mvcc.ValidateResult); !ok {
			return left, fmt.Errorf("shard %d answered a validation with %T", call.To.ID, call.Res)
		}
		for _, r := range groups[i].items {
			if end := groups[i].to.Span.End; end != "" && r.span != (mvcc.Span{}) && (r.span.End == "" || r.span.End > end) {
				left = append(left, readPart{key: end, span: mvcc.Span{Start: end, End: r.span.End}})
			}
		}
	}
	return left, err
}
