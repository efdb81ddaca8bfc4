package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// What follows is for people who look inside: one page from one shard at a time, so that whoever
// asks can stop between any two. A shard that stays without a leader is an error that names it:
// a part is never passed off as the whole.

// Versions reads one page of versions at a.ReadTS from the shard that holds the place where a goes
// on (After.Key, else Span.Start; an empty one is the first user key). Locks in the way are waited
// for and resolved. It returns the shard as it was asked.
//
// While More is set the caller goes on with After at Resume, on the same span: wherever that key
// lies by then. Else what Covered names is read, and the rest of the span begins at Covered.End,
// with a zero After; an empty Covered.End was the last.
func (c *Coordinator) Versions(ctx context.Context, a mvcc.VersionsArgs) (*mvcc.VersionsResult, routing.Descriptor, error) {
	if a.Span.Start == "" {
		a.Span.Start = mvcc.FirstUserKey
	}
	at := max(a.Span.Start, a.After.Key)
	if a.Span.Empty() || (a.Span.End != "" && at >= a.Span.End) {
		return &mvcc.VersionsResult{Covered: a.Span}, routing.Descriptor{}, nil
	}
	return look[*mvcc.VersionsResult](ctx, c, at, func(d *routing.Descriptor) routing.Request {
		args := a
		args.Span = d.Span.Clip(a.Span)
		return &args
	})
}

// Locks reads one page of the locks that stand at this moment, from the shard that holds the place
// where a goes on. It waits for none of them. The caller goes on as with Versions.
func (c *Coordinator) Locks(ctx context.Context, a mvcc.LocksArgs) (*mvcc.LocksResult, routing.Descriptor, error) {
	if a.Span.Start == "" {
		a.Span.Start = mvcc.FirstUserKey
	}
	at := max(a.Span.Start, a.After)
	if a.Span.Empty() || (a.Span.End != "" && at >= a.Span.End) {
		return &mvcc.LocksResult{Covered: a.Span}, routing.Descriptor{}, nil
	}
	return look[*mvcc.LocksResult](ctx, c, at, func(d *routing.Descriptor) routing.Request {
		args := a
		args.Span = d.Span.Clip(a.Span)
		return &args
	})
}

// Records reads one page of the records at keys of a span, from the shard that holds a.Span.Start.
// They come by start timestamp, so a page says nothing about keys passed: the caller gives a span
// that lies in one shard (a descriptor's), and while More is set repeats it with After at Resume.
//
// Where the shard was split meanwhile, Covered ends before the span does. The caller then goes on
// with Covered as its span until More is not set, and reads the rest, from Covered.End on, from
// its beginning, with a zero After: no record is left out, and none comes twice once the rows
// beyond Covered that earlier pages brought are thrown away.
func (c *Coordinator) Records(ctx context.Context, a mvcc.RecordsArgs) (*mvcc.RecordsResult, routing.Descriptor, error) {
	if a.Span.Start == "" {
		a.Span.Start = mvcc.FirstUserKey
	}
	if a.Span.Empty() {
		return &mvcc.RecordsResult{Covered: a.Span}, routing.Descriptor{}, nil
	}
	return look[*mvcc.RecordsResult](ctx, c, a.Span.Start, func(d *routing.Descriptor) routing.Request {
		args := a
		args.Span = d.Span.Clip(a.Span)
		return &args
	})
}

// Queue asks the shard's leader who waits in its queues for locks.
func (c *Coordinator) Queue(ctx context.Context, d routing.Descriptor, limit int) (*routing.QueueResult, error) {
	return ofLeader[*routing.QueueResult](ctx, c, d, &routing.QueueArgs{Limit: limit})
}

// Hot asks the shard's leader for its busiest keys.
func (c *Coordinator) Hot(ctx context.Context, d routing.Descriptor, limit int) (*routing.HotResult, error) {
	return ofLeader[*routing.HotResult](ctx, c, d, &routing.HotArgs{Limit: limit})
}

// look asks the shard that holds a key, wherever it moves, until no lock is in the way.
func look[R routing.Response](ctx context.Context, c *Coordinator, at mvcc.Key,
	request func(*routing.Descriptor) routing.Request) (R, routing.Descriptor, error) {
	var none R
	p := c.patience()
	for {
		d, err := c.w.Shards.Find(ctx, at)
		if err == nil {
			var res R
			if res, err = ask[R](ctx, c, d, request(&d)); err == nil {
				return res, d, nil
			}
		}
		var locked *mvcc.LockedError
		if errors.As(err, &locked) {
			if err = c.resolveAll(ctx, []mvcc.Lock{locked.Lock}); err == nil {
				err = p.goOn(ctx)
			}
			if err == nil {
				continue
			}
		}
		if err := p.pause(ctx, err); err != nil {
			return none, d, silent(d, err)
		}
	}
}

// ofLeader asks a shard's leader about itself.
func ofLeader[R routing.Response](ctx context.Context, c *Coordinator, d routing.Descriptor, req routing.Request) (R, error) {
	var none R
	p := c.patience()
	for {
		res, err := ask[R](ctx, c, d, req)
		if err == nil {
			return res, nil
		}
		if misrouted(err) { // no replica of it is where it was: the caller's list of shards is old
			return none, fmt.Errorf("shard %d is not where it was; list the shards again: %w", d.ID, err)
		}
		if err := p.pause(ctx, err); err != nil {
			return none, silent(d, err)
		}
	}
}

// ask sends one request to one shard, once.
func ask[R routing.Response](ctx context.Context, c *Coordinator, d routing.Descriptor, req routing.Request) (R, error) {
	var none R
	call := &routing.Call{To: d, Req: req}
	c.w.Sender.Send(ctx, []*routing.Call{call}, nil)
	if call.Err != nil {
		c.rerouted(call)
		return none, call.Err
	}
	res, ok := call.Res.(R)
	if !ok {
		return none, fmt.Errorf("shard %d answered %T with %T", d.ID, req, call.Res)
	}
	return res, nil
}

// silent names the shard that did not answer, where the error does not.
func silent(d routing.Descriptor, err error) error {
	var gone *routing.UnavailableError
	if errors.As(err, &gone) && gone.Shard == 0 && d.ID != 0 {
		return &routing.UnavailableError{Shard: d.ID, Why: gone.Why}
	}
	return err
}
