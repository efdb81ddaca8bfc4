package server

import (
	"context"
	"errors"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// shardTimeout bounds the wait for one page of one shard, where there are others to ask.
const shardTimeout = 2 * time.Second

// walkPage is how many rows are asked for at once.
const walkPage = 1000

// walk goes through the users' shards in the order of their keys. Those that nobody leads, or
// that do not answer in time, are passed over and named: an operator looks while something is
// broken, and is told what is missing.
type walk struct {
	m           *Member
	view        *look
	unreachable []uint64
}

func (h clusters) walk(ctx context.Context, only routing.ShardID) (*walk, error) {
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, err
	}
	view, err := h.look(ctx, only)
	if err != nil {
		return nil, err
	}
	return &walk{m: m, view: view}, nil
}

// each visits the parts of a span that lie in one shard each, until visit says that it is
// enough. An error of visit's that is about the shard being away passes it over.
func (w *walk) each(ctx context.Context, span mvcc.Span, visit func(part mvcc.Span) (bool, error)) error {
	for i := range w.view.list.Shards {
		d := &w.view.list.Shards[i]
		part := d.Span.Clip(span)
		if d.ID == routing.SystemShard || part.Empty() {
			continue
		}
		if w.view.leader(d) == nil {
			w.unreachable = append(w.unreachable, uint64(d.ID))
			continue
		}
		goOn, err := visit(part)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && away(err):
			w.unreachable = append(w.unreachable, uint64(d.ID))
		case err != nil:
			return err
		case !goOn:
			return nil
		}
	}
	return nil
}

// away says whether an error means that a shard does not answer now.
func away(err error) bool {
	var gone *routing.UnavailableError
	var busy *routing.OverloadedError
	return errors.As(err, &gone) || errors.As(err, &busy) || errors.Is(err, context.DeadlineExceeded)
}

// soon asks for one page within the time that one shard gets.
func soon[A, R any](ctx context.Context, args A, ask func(context.Context, A) (R, routing.Descriptor, error)) (R, routing.Descriptor, error) {
	ctx, cancel := context.WithTimeout(ctx, shardTimeout)
	defer cancel()
	return ask(ctx, args)
}

// passed says whether what is covered up to end reaches the end of a span.
func passed(end mvcc.Key, span mvcc.Span) bool {
	return end == "" || (span.End != "" && end >= span.End)
}

// locks visits the locks of a span by key, until visit says that it is enough. The shard is
// the one that held the lock when it was asked.
func (w *walk) locks(ctx context.Context, span mvcc.Span, visit func(mvcc.Lock, routing.ShardID) bool) error {
	return w.each(ctx, span, func(part mvcc.Span) (bool, error) {
		args := mvcc.LocksArgs{Span: part, Limit: walkPage}
		for {
			page, from, err := soon(ctx, args, w.m.Txns.Locks)
			if err != nil {
				return false, err
			}
			for _, l := range page.Locks {
				if !visit(l, from.ID) {
					return false, nil
				}
			}
			end := page.Covered.End
			switch {
			case page.More:
				args.After = page.Resume
			case passed(end, part):
				return true, nil
			default: // it was split meanwhile
				args.Span.Start, args.After = end, ""
			}
		}
	})
}

// records visits what is recorded of one transaction, at any key.
func (w *walk) records(ctx context.Context, a mvcc.RecordsArgs, visit func(mvcc.Record, routing.ShardID) bool) error {
	return w.each(ctx, a.Span, func(part mvcc.Span) (bool, error) {
		args := a
		args.Span, args.Limit = part, walkPage
		for {
			page, from, err := soon(ctx, args, w.m.Txns.Records)
			if err != nil {
				return false, err
			}
			for _, r := range page.Records {
				if !visit(r, from.ID) {
					return false, nil
				}
			}
			end := page.Covered.End
			switch {
			case page.More:
				args.Span, args.After = page.Covered, page.Resume
			case passed(end, part):
				return true, nil
			default:
				args.Span, args.After = mvcc.Span{Start: end, End: part.End}, mvcc.RecordName{}
			}
		}
	})
}

// everything is the users' whole key space.
func everything() mvcc.Span { return mvcc.Span{Start: mvcc.FirstUserKey} }
