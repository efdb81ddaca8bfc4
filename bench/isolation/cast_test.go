package isolation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/txn"
)

// cast is the sessions of one run of a scenario.
type cast struct {
	t        *testing.T
	script   *script
	lane     *lane
	sessions map[string]*session
	waits    map[string]*wait // by session
	end      []row
}

// wait is a step that has not ended yet.
type wait struct {
	step *step
	want string
	got  chan string
}

// play runs a scenario in a lane and says whether its anomaly was seen.
func play(t *testing.T, s *script, l *lane) bool {
	c := &cast{t: t, script: s, lane: l, sessions: map[string]*session{}, waits: map[string]*wait{}}
	c.setUp()
	for i := range s.steps {
		c.step(&s.steps[i])
	}
	for who := range c.sessions {
		c.join(who)
	}
	c.end = c.rows()
	seen := c.anomaly()
	c.tearDown()
	return seen
}

func (c *cast) ctx() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stepTimeout)
}

// setUp puts the rows, and nothing else, into the lane.
func (c *cast) setUp() {
	ctx, cancel := c.ctx()
	defer cancel()
	require.NoError(c.t, c.lane.w.db(0).Update(ctx, func(tx *txn.Txn) error {
		all := c.lane.span("", "")
		for e, err := range tx.Scan(ctx, all.Start, all.End, txn.KeysOnly()) {
			if err != nil {
				return err
			}
			if err := tx.Delete(e.Key); err != nil {
				return err
			}
		}
		for _, r := range c.script.rows {
			if err := tx.Put(c.lane.key(r.name), []byte(r.value)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// tearDown ends what is open, so that nothing stands in the way of the next scenario.
func (c *cast) tearDown() {
	ctx, cancel := c.ctx()
	defer cancel()
	for _, s := range c.sessions {
		if s.tx != nil {
			if err := s.tx.Rollback(ctx); err != nil && err != txn.ErrCommitted {
				c.t.Errorf("%s at the end: %v", s.name, err)
			}
		}
	}
}

// session is the one of that name: T1, T2 and T3 are different processes.
func (c *cast) session(who string) *session {
	s := c.sessions[who]
	if s == nil {
		process := 0
		if who != "db" {
			process = int(who[1] - '1')
		}
		s = newSession(c.lane, who, process, c.script.names())
		c.sessions[who] = s
	}
	return s
}

func (c *cast) step(st *step) {
	want := st.want[c.lane.mode]
	if st.who == "" {
		c.expect(st, c.world(st), want)
		return
	}
	s := c.session(st.who)
	c.join(st.who)
	rest, waits := strings.CutPrefix(want, "waits, ")
	w := &wait{step: st, want: rest, got: make(chan string, 1)}
	go func() {
		ctx, cancel := c.ctx()
		defer cancel()
		w.got <- s.do(ctx, st)
	}()
	c.waits[st.who] = w
	if waits {
		c.seeWaiting(w)
	} else {
		c.join(st.who)
	}
}

// join waits for the session's step that is under way, if any.
func (c *cast) join(who string) {
	w := c.waits[who]
	if w == nil {
		return
	}
	delete(c.waits, who)
	c.expect(w.step, <-w.got, w.want)
}

func (c *cast) expect(st *step, got, want string) {
	c.t.Helper()
	if !slices.Contains(strings.Split(want, " / "), got) {
		c.t.Errorf("%s:%d: %s: %s; want %s", c.script.name, st.line, st.text, got, want)
	}
}

// seeWaiting waits until the leaders say that somebody waits there, twice: a request that is
// only passing through is gone the second time.
func (c *cast) seeWaiting(w *wait) {
	ctx, cancel := c.ctx()
	defer cancel()
	for times := 0; times < 2; {
		n, err := c.lane.waiting(ctx, c.script.names())
		select {
		case got := <-w.got:
			c.t.Errorf("%s:%d: %s: %s, without waiting", c.script.name, w.step.line, w.step.text, got)
			w.got <- got
			return
		default:
		}
		if ctx.Err() != nil {
			c.t.Errorf("%s:%d: %s: not seen waiting: %v", c.script.name, w.step.line, w.step.text, err)
			return
		}
		if err == nil && n >= len(c.waits) {
			times++
		} else {
			times = 0
		}
	}
}

// world runs a step that is nobody's.
func (c *cast) world(st *step) string {
	ctx, cancel := c.ctx()
	defer cancel()
	var err error
	switch st.verb {
	case "end":
		return answer(&step{verb: "scan"}, c.rows())
	case "move":
		if c.lane.place == moved {
			_, err = c.lane.w.move(ctx, c.lane.key(st.args[0]))
		}
	case "split":
		err = c.lane.w.split(ctx, c.lane.key(st.args[0]))
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// rows is what is there now.
func (c *cast) rows() []row {
	ctx, cancel := c.ctx()
	defer cancel()
	s := newSession(c.lane, "end", 2, c.script.names())
	if got := s.do(ctx, &step{verb: "begin", args: []string{"readonly"}}); got != "ok" {
		c.t.Errorf("begin at the end: %s", got)
		return nil
	}
	rows, err := s.scan(ctx, nil)
	if err != nil {
		c.t.Errorf("scan at the end: %v", err)
	}
	return rows
}

// anomaly says whether what the scenario calls an anomaly has happened.
func (c *cast) anomaly() bool {
	for _, all := range c.script.anomalies {
		holds := true
		for _, one := range all {
			holds = holds && c.holds(one)
		}
		if holds {
			return true
		}
	}
	return false
}

func (c *cast) holds(one condition) bool {
	s := c.sessions[one.who]
	switch {
	case one.what == "end":
		for _, r := range c.end {
			if r.name == one.row.name {
				return r.value == one.row.value
			}
		}
		return one.row.value == none
	case s == nil:
		panic(fmt.Sprintf("%s: there is no %s", c.script.name, one.who))
	case one.what == "ok":
		return s.commits
	}
	return s.saw[one.row.name][one.row.value]
}
