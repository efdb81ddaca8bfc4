package txn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// Page is one page of a scan: live versions only. More: there may be further ones, from
// Resume on (up to it where the scan is reverse). An empty page with More is legal.
type Page struct {
	Versions []mvcc.Version
	More     bool
	Resume   mvcc.Key
}

// Scan reads one page at a.ReadTS, from as many shards as it takes to fill a.Limit entries or
// a.MaxBytes. Locks in the way are waited for and resolved.
func (c *Coordinator) Scan(ctx context.Context, a mvcc.ScanArgs) (Page, error) {
	var page Page
	if a.Span.Start == "" {
		a.Span.Start = mvcc.FirstUserKey
	}
	p := c.patience()
	for !a.Span.Empty() {
		res, err := c.scanShard(ctx, &a)
		if err != nil {
			if err = p.pause(ctx, err); err != nil {
				return Page{}, err
			}
			continue
		}
		// A shard answers one entry whatever its size; a page that has begun has no room for it.
		if len(page.Versions) > 0 && a.MaxBytes > 0 && bytesOf(res.Versions) > a.MaxBytes {
			return stopped(page, &a), nil
		}
		page.Versions = append(page.Versions, res.Versions...)
		if advance(&a, res) {
			return page, nil
		}
		if res.More || full(&a, res) {
			return stopped(page, &a), nil
		}
	}
	return page, nil
}

// stopped is a page that is to be gone on with where the scan stands.
func stopped(page Page, a *mvcc.ScanArgs) Page {
	page.More, page.Resume = true, a.Span.Start
	if a.Reverse {
		page.Resume = a.Span.End
	}
	return page
}

func bytesOf(versions []mvcc.Version) (n int) {
	for i := range versions {
		n += len(versions[i].Key) + len(versions[i].Value)
	}
	return n
}

// scanShard asks the one shard where the scan stands, until no lock is in the way.
func (c *Coordinator) scanShard(ctx context.Context, a *mvcc.ScanArgs) (*mvcc.ScanResult, error) {
	at := a.Span.Start
	if a.Reverse {
		at = lastBelow(a.Span.End)
	}
	p := c.patience()
	for {
		d, err := c.w.Shards.Find(ctx, at)
		if err != nil {
			return nil, err
		}
		args := *a
		args.Span = d.Span.Clip(a.Span)
		call := &routing.Call{To: d, Req: &args}
		c.w.Sender.Send(ctx, []*routing.Call{call}, nil)
		var locked *mvcc.LockedError
		if errors.As(call.Err, &locked) {
			err := c.resolveAll(ctx, []mvcc.Lock{locked.Lock})
			if err == nil {
				err = p.goOn(ctx)
			}
			if err != nil {
				return nil, err
			}
			continue
		}
		if call.Err != nil {
			c.rerouted(call)
			return nil, call.Err
		}
		res, ok := call.Res.(*mvcc.ScanResult)
		if !ok {
			return nil, fmt.Errorf("shard %d answered a scan with %T", d.ID, call.Res)
		}
		return res, nil
	}
}

// advance moves the scan past what was answered, and says whether that was all.
func advance(a *mvcc.ScanArgs, res *mvcc.ScanResult) (done bool) {
	switch {
	case res.More && a.Reverse:
		a.Span.End = res.Resume
	case res.More:
		a.Span.Start = res.Resume
	case a.Reverse:
		if res.Covered.Start <= a.Span.Start {
			return true
		}
		a.Span.End = res.Covered.Start
	default:
		if res.Covered.End == "" || (a.Span.End != "" && res.Covered.End >= a.Span.End) {
			return true
		}
		a.Span.Start = res.Covered.End
	}
	return false
}

// full takes what was read from the page's bounds, and says whether nothing more fits.
func full(a *mvcc.ScanArgs, res *mvcc.ScanResult) bool {
	if a.Limit > 0 {
		if a.Limit -= len(res.Versions); a.Limit <= 0 {
			return true
		}
	}
	if a.MaxBytes > 0 {
		a.MaxBytes -= bytesOf(res.Versions)
		return a.MaxBytes <= 0
	}
	return false
}

// lastBelow is at or above every key that lies below end, and itself below it: the shard that
// holds it is where a reverse scan begins.
func lastBelow(end mvcc.Key) mvcc.Key {
	if end == "" {
		return mvcc.Key(strings.Repeat("\xff", mvcc.MaxBoundSize))
	}
	rest, last := end[:len(end)-1], end[len(end)-1]
	if last == 0 {
		return rest
	}
	fill := strings.Repeat("\xff", max(0, mvcc.MaxBoundSize-len(end)))
	return rest + mvcc.Key([]byte{last - 1}) + mvcc.Key(fill)
}
