package shard

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// TestQueuesGoOn lets chance claim, write, read, release, cancel, end victims, time out and
// split keys on one replica, and looks at every queue after every step: where writers wait, a
// lock stands or somebody has the turn. At the end all locks are released, and everybody is
// through. A queue that nobody moves any more is what a lost turn would leave behind.
func TestQueuesGoOn(t *testing.T) {
	answers, waits := map[string]int{}, 0
	for seed := range uint64(16) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			w := &queueWorld{benchHost: newBenchHost(t), rng: rand.New(rand.NewPCG(seed, 7)), answers: answers}
			w.r.cfg.QueueMax = 12
			for range 3000 {
				w.act()
				w.look()
			}
			w.drain()
			waits += w.waits
		})
	}
	for _, err := range []string{"<nil>", "*mvcc.DeadlockError", "*routing.OverloadedError", "*routing.UnavailableError"} {
		require.Positive(t, answers[err], "%s never came: %v", err, answers)
	}
	require.Positive(t, waits)
}

type queueWorld struct {
	*benchHost
	rng     *rand.Rand
	holders []timestamp.Timestamp // transactions that claimed
	late    []func()              // what the log, the store and the readers have not done yet
	answers map[string]int        // by the error's type
	waits   int
}

// beat ends a turn and lets the log and the readers do some of what they were asked.
func (w *queueWorld) beat() {
	w.r.Turn(w.now, &w.out)
	out := w.out
	w.out = Effects{}
	for _, l := range out.Append {
		w.late = append(w.late, func() { w.step(Logged{Write: l}) })
	}
	for _, l := range out.Lookup {
		w.late = append(w.late, func() {
			v, err := w.store.View()
			require.NoError(w.t, err)
			facts, err := l.Answer(v)
			w.step(Looked{ID: l.ID, Facts: facts, Err: err})
		})
	}
	for _, f := range out.Flush {
		w.late = append(w.late, func() {
			require.NoError(w.t, w.store.Flush(f.Batch, f.Durable))
			w.step(Flushed{Generation: f.Generation, Index: f.Batch.Index, Durable: f.Durable})
		})
	}
	if out.Draw {
		w.ts = w.ts.Next()
		w.step(Drawn{TS: w.ts})
	}
	for _, rep := range out.Reply {
		w.answers[fmt.Sprintf("%T", rep.Err)]++
	}
	w.waits += len(out.Waits)
	for n := w.rng.IntN(4); n > 0 && len(w.late) > 0; n-- {
		f := w.late[0]
		w.late = w.late[1:]
		f()
		w.look()
	}
}

func (w *queueWorld) keys() []mvcc.Key {
	all := []mvcc.Key{"a", "b", "c"}
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+w.rng.IntN(2)]
}

func (w *queueWorld) act() {
	w.ts = w.ts.Next()
	switch w.rng.IntN(12) {
	case 0, 1, 2:
		keys := w.keys()
		w.holders = append(w.holders, w.ts)
		w.ask(&mvcc.ClaimArgs{Start: w.ts, Keys: keys, Primary: keys[0], Expires: w.ts.Add(time.Hour)})
	case 3, 4:
		keys := w.keys()
		a := &mvcc.PrewriteArgs{Start: w.ts, Primary: keys[0], OnePhase: true, Autocommit: true, Digest: mvcc.Digest{1}}
		for _, k := range keys {
			a.Mutations = append(a.Mutations, mvcc.Mutation{Op: mvcc.MutationAdd, Key: k, Value: []byte("1")})
		}
		w.ask(a)
	case 5:
		w.ask(&mvcc.GetArgs{ReadTS: w.ts, Own: w.ts, Primary: "a", Keys: w.keys()})
	case 6, 7:
		w.release()
	case 8:
		w.step(Cancel{ID: RequestID(w.rng.Uint64N(uint64(w.next) + 1))})
	case 9:
		if n := len(w.holders); n > 0 {
			w.ask(&routing.VictimArgs{Start: w.holders[w.rng.IntN(n)], Key: w.keys()[0]})
		}
	default:
		w.now.Mono += time.Duration(w.rng.IntN(15)) * time.Millisecond
		w.beat()
	}
}

func (w *queueWorld) ask(req routing.Request) {
	w.next++
	w.step(Request{ID: w.next, Header: routing.Header{Shard: 2}, Req: req,
		Deadline: w.now.Mono + time.Duration(20+w.rng.IntN(2000))*time.Millisecond})
}

// release rolls back one that claimed.
func (w *queueWorld) release() {
	if len(w.holders) == 0 {
		return
	}
	i := w.rng.IntN(len(w.holders))
	w.ask(&mvcc.RollbackArgs{Start: w.holders[i], Primary: "a", Keys: []mvcc.Key{"a", "b", "c"}})
	for _, p := range []mvcc.Key{"b", "c"} {
		w.ask(&mvcc.RollbackArgs{Start: w.holders[i], Primary: p, Keys: []mvcc.Key{"a", "b", "c"}})
	}
	w.holders = append(w.holders[:i:i], w.holders[i+1:]...)
}

// look checks what must hold of every queue.
func (w *queueWorld) look() {
	require.NoError(w.t, w.r.bad)
	for k, q := range w.r.queues {
		_, locked := w.r.locks.standing.Get(k)
		require.False(w.t, len(q.writers) > 0 && !locked && q.turn == nil, "nobody moves the queue of %s", k)
		require.False(w.t, q.turn == nil && len(q.writers)+len(q.others) == 0, "an idle queue of %s", k)
		require.LessOrEqual(w.t, len(q.writers), w.r.cfg.QueueMax+1) // one may come back in front
		if q.turn != nil {
			require.Equal(w.t, k, q.turn.turn)
			require.False(w.t, q.turn.done)
		}
		for _, t := range append(append([]*task(nil), q.writers...), q.others...) {
			require.True(w.t, t.onLock && t.lock == k && !t.done && !t.latched)
		}
	}
}

// drain releases everything until nobody waits.
func (w *queueWorld) drain() {
	for range 300 {
		w.now.Mono += time.Millisecond
		w.beat()
		w.r.locks.standing.Scan(func(k mvcc.Key, l mvcc.Lock) bool {
			w.ask(&mvcc.RollbackArgs{Start: l.StartTS, Primary: l.Primary, Keys: []mvcc.Key{k}})
			return true
		})
		w.look()
	}
	for range 100 {
		w.beat()
	}
	require.Empty(w.t, w.r.queues)
	require.Empty(w.t, w.r.tasks)
	require.Empty(w.t, w.r.latches.queues)
}
