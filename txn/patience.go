package txn

import (
	"context"
	"errors"
	"time"

	"github.com/shaledb/shale/shard/routing"
)

// patience paces the repeats of one call and bounds them.
type patience struct {
	c     *Coordinator
	until time.Duration
	tries int
}

// The pauses between two tries. The first is none: a moved shard is there already.
const (
	pauseMin = 2 * time.Millisecond
	pauseMax = 100 * time.Millisecond
)

func (c *Coordinator) patience() patience {
	return patience{c: c, until: c.w.Tasks.Now() + c.cfg.Patience}
}

// pause waits before the next try. It returns the reason where there must be none: the
// caller's time is over, or patience is, or err is nothing that passes.
func (p *patience) pause(ctx context.Context, err error) error {
	if e := ctx.Err(); e != nil {
		return e
	}
	if !transient(err) && !misrouted(err) {
		return err
	}
	if p.c.w.Tasks.Now() >= p.until {
		return exhausted(err)
	}
	p.tries++
	if p.tries == 1 && misrouted(err) {
		return nil
	}
	return p.c.w.Tasks.Sleep(ctx, min(pauseMax, pauseMin<<min(p.tries, 10)))
}

// goOn says whether another round may begin after locks were resolved: new ones may be met in
// each.
func (p *patience) goOn(ctx context.Context) error {
	if p.c.w.Tasks.Now() >= p.until {
		return &routing.UnavailableError{Why: "locks of others keep standing in the way"}
	}
	return ctx.Err()
}

// transient errors pass by themselves.
func transient(err error) bool {
	var unavailable *routing.UnavailableError
	var notLeader *routing.NotLeaderError
	return errors.As(err, &unavailable) || errors.As(err, &notLeader)
}

// misrouted requests went to a shard that does not hold their keys.
func misrouted(err error) bool {
	var moved *routing.EpochMismatchError
	var unknown *routing.UnknownShardError
	return errors.As(err, &moved) || errors.As(err, &unknown)
}

// exhausted turns what only routing understands into what a caller does.
func exhausted(err error) error {
	if misrouted(err) {
		return &routing.UnavailableError{Why: "the shard map does not settle: " + err.Error()}
	}
	return err
}
