package txn

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Windows are the coordinator's four windows on the world.
type Windows struct {
	Sender     Sender
	Timestamps Timestamps
	Shards     Shards
	Tasks      Tasks
}

// Config bounds a coordinator. The zero value of every field is its default.
type Config struct {
	// LockTTL is how long a lock lives without a heartbeat. It must exceed the oracle's step
	// at a change of its leader (3 s), or all locks would expire at once (S8); default 5 s.
	LockTTL time.Duration
	// Patience: after so long a call begins no new try against shards that are not available,
	// locks in the way or conflicts, whatever its context allows; default 30 s.
	Patience time.Duration
	// LockWait is how long a claim waits for locks of others at most; default Patience.
	LockWait time.Duration
	// Behind bounds the commits whose locks are being turned behind their callers' backs;
	// above it visitors and the leaders' sweeps turn them; default 4,096.
	Behind int
	// Ended gets where the time of each Commit went; it must not block, nor keep the report.
	// Nil: nobody looks.
	Ended func(*Report)
}

func (c *Config) fill() {
	if c.LockTTL <= 0 {
		c.LockTTL = 5 * time.Second
	}
	if c.Patience <= 0 {
		c.Patience = 30 * time.Second
	}
	if c.LockWait <= 0 {
		c.LockWait = c.Patience
	}
	if c.Behind <= 0 {
		c.Behind = 4096
	}
}

// Filled is the configuration with its defaults.
func (c Config) Filled() Config {
	c.fill()
	return c
}

// Coordinator runs transactions: their reads, their commit, and the resolution of locks that
// others left. It keeps nothing of a transaction between calls. Its methods may be called by
// any goroutine.
type Coordinator struct {
	w      Windows
	cfg    Config
	clock  clock
	keeper keeper
	behind atomic.Int64

	resolving resolving
}

// NewCoordinator makes one. The windows are the caller's to close.
func NewCoordinator(w Windows, cfg Config) *Coordinator {
	cfg.fill()
	c := &Coordinator{w: w, cfg: cfg}
	c.keeper.c = c
	return c
}

// Now is a timestamp issued after Now was called.
func (c *Coordinator) Now(ctx context.Context) (timestamp.Timestamp, error) {
	p := c.patience()
	for {
		ts, err := c.w.Timestamps.Next(ctx)
		if err == nil {
			c.clock.learn(ts, c.w.Tasks.Now())
			return ts, nil
		}
		if err := p.pause(ctx, err); err != nil {
			return 0, err
		}
	}
}

// disclose makes a commit timestamp fit to be told: whoever hears of it and begins then must
// see it, so the oracle must have issued one directly below it or later (S21). As a rule it
// has, and this process knows.
func (c *Coordinator) disclose(ctx context.Context, commitTS timestamp.Timestamp) (timestamp.Timestamp, error) {
	for c.clock.newest() < commitTS.Prev() {
		if _, err := c.Now(ctx); err != nil {
			return 0, err
		}
	}
	return commitTS, nil
}

// informed makes sure that the process has heard of the oracle: a gateway that goes on with
// another one's transaction may not have, and would lay locks born expired (S8). What a
// client's handle says is no substitute: it may be forged, and disclose trusts the clock.
func (c *Coordinator) informed(ctx context.Context) error {
	if c.clock.newest() != 0 {
		return nil
	}
	_, err := c.Now(ctx)
	return err
}

// expiry is the oracle time at which locks laid now expire.
func (c *Coordinator) expiry() timestamp.Timestamp {
	return c.clock.estimate(c.w.Tasks.Now()).Add(c.cfg.LockTTL)
}

// clock is the newest timestamp that this process knows to be issued, and when it heard it.
type clock struct {
	mu sync.Mutex
	ts timestamp.Timestamp
	at time.Duration
}

func (c *clock) learn(ts timestamp.Timestamp, now time.Duration) {
	c.mu.Lock()
	if ts > c.ts {
		c.ts, c.at = ts, now
	}
	c.mu.Unlock()
}

func (c *clock) newest() timestamp.Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ts
}

// within is the newest timestamp known, where it was heard no longer than age ago.
func (c *clock) within(now, age time.Duration) (timestamp.Timestamp, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ts, c.ts != 0 && now-c.at <= age
}

// estimate is about what the oracle would say now. Only expiries are made of it, and for
// them a wrong one costs time, never truth.
func (c *clock) estimate(now time.Duration) timestamp.Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ts.Add(now - c.at)
}

// spawnBehind runs f behind its caller's back; where too much is under way it leaves f out, and
// says so: all that is done so is done by visitors and sweeps as well.
func (c *Coordinator) spawnBehind(name string, f func(context.Context)) bool {
	if c.behind.Add(1) > int64(c.cfg.Behind) {
		c.behind.Add(-1)
		return false
	}
	c.w.Tasks.Spawn(name, func(ctx context.Context) {
		defer c.behind.Add(-1)
		f(ctx)
	})
	return true
}

// one sends a request to the shard that holds k and follows it there, whatever moves. The
// request may arrive more than once.
func (c *Coordinator) one(ctx context.Context, k mvcc.Key, req routing.Request) (routing.Response, error) {
	p := c.patience()
	for {
		d, err := c.w.Shards.Find(ctx, k)
		if err == nil {
			call := &routing.Call{To: d, Req: req}
			c.w.Sender.Send(ctx, []*routing.Call{call}, nil)
			if call.Err == nil {
				return call.Res, nil
			}
			err = call.Err
			if !c.rerouted(call) && !transient(err) {
				return nil, err
			}
		}
		if err := p.pause(ctx, err); err != nil {
			return nil, err
		}
	}
}
