package shard

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// benchHost is the least that a replica of one needs: a log that is at once durable and a
// store in memory.
type benchHost struct {
	t       testing.TB
	r       *Replica
	store   *memory.Store
	now     Instant
	ts      timestamp.Timestamp
	out     Effects
	replies int
	failed  error
	reads   int
	next    RequestID
}

func newBenchHost(t testing.TB) *benchHost {
	h := &benchHost{t: t, store: memory.New(memory.Config{}), now: Instant{Wall: time.UnixMilli(1_000_000)}, ts: timestamp.At(time.UnixMilli(1_000_000))}
	d := routing.Descriptor{ID: 2, Epoch: routing.Epoch{Bounds: 1, Members: 1}, Replicas: []routing.Replica{{ID: 1, Node: 1, Role: routing.Voter}}}
	require.NoError(t, h.store.Flush(&mvcc.Batch{Index: InitialIndex, Term: InitialTerm, Meta: Bootstrap(d)}, true))
	image, err := h.store.Load()
	require.NoError(t, err)
	h.r, err = New(Start{Node: 1, Replica: 1, Shard: 2, Image: image, Now: h.now})
	require.NoError(t, err)
	for range 400 {
		h.now.Mono += 10 * time.Millisecond
		h.step(Tick{})
		h.turn()
	}
	return h
}

func (h *benchHost) step(ev Event) { h.r.Step(h.now, ev, &h.out) }

// turn ends turns until nothing is left to do.
func (h *benchHost) turn() {
	for {
		h.r.Turn(h.now, &h.out)
		out := h.out
		h.out = Effects{}
		for _, rep := range out.Reply {
			h.replies++
			if rep.Err != nil {
				h.failed = rep.Err
			}
		}
		for _, f := range out.Flush {
			_ = h.store.Flush(f.Batch, f.Durable)
			h.step(Flushed{Generation: f.Generation, Index: f.Batch.Index, Durable: f.Durable})
		}
		for _, w := range out.Append {
			h.step(Logged{Write: w})
		}
		for range out.Read {
			h.reads++
			h.replies++
		}
		for _, l := range out.Lookup {
			v, _ := h.store.View()
			facts, err := l.Answer(v)
			h.step(Looked{ID: l.ID, Facts: facts, Err: err})
		}
		if out.Draw {
			h.ts = h.ts.Add(time.Millisecond)
			h.step(Drawn{TS: h.ts})
		}
		if len(out.Append)+len(out.Flush)+len(out.Lookup) == 0 && !out.Draw {
			return
		}
	}
}

func (h *benchHost) request(req routing.Request) {
	h.next++
	h.step(Request{ID: h.next, Header: routing.Header{Shard: 2}, Req: req, Deadline: h.now.Mono + 10*time.Second})
}

func (h *benchHost) put(k mvcc.Key, value []byte) {
	h.ts = h.ts.Next()
	h.request(&mvcc.PrewriteArgs{Start: h.ts, Primary: k, OnePhase: true, Autocommit: true, Expires: h.ts.Add(5 * time.Second),
		Digest: mvcc.Digest{1}, Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: k, Value: value}}})
}

func benchKeys(n int) []mvcc.Key {
	keys := make([]mvcc.Key, n)
	for i := range keys {
		keys[i] = mvcc.Key(fmt.Sprintf("user%08d", (i*7919)%n))
	}
	return keys
}

// BenchmarkPut is the replica's CPU for one put of 1,000 bytes, 32 in a turn, flushes to a
// store in memory included.
func BenchmarkPut(b *testing.B) {
	h := newBenchHost(b)
	keys, value := benchKeys(10_000), make([]byte, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.put(keys[i%len(keys)], value)
		if i%32 == 31 {
			h.now.Mono += time.Millisecond
			h.turn()
		}
	}
	h.turn()
	require.NoError(b, h.failed)
}

// BenchmarkGet is the replica's CPU for one get of a newest version that memory holds.
func BenchmarkGet(b *testing.B) {
	h := newBenchHost(b)
	keys := benchKeys(1000)
	for _, k := range keys {
		h.put(k, make([]byte, 1000))
	}
	h.turn()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.request(&mvcc.GetArgs{Keys: keys[i%len(keys) : i%len(keys)+1]})
		if i%32 == 31 {
			h.now.Mono += 100 * time.Microsecond
			h.turn()
		}
	}
	require.NoError(b, h.failed)
	require.Zero(b, h.reads)
}

// BenchmarkGetStore is a get that has to go to the store: the step's part of it, with writes
// in between so that every turn makes a state anew.
func BenchmarkGetStore(b *testing.B) {
	h := newBenchHost(b)
	keys := benchKeys(1000)
	absent := []mvcc.Key{"nobody"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%32 == 0 {
			h.put(keys[i%len(keys)], []byte("v"))
		}
		h.request(&mvcc.GetArgs{Keys: absent})
		if i%32 == 31 {
			h.now.Mono += 100 * time.Microsecond
			h.turn()
		}
	}
	require.NoError(b, h.failed)
}

// BenchmarkPutHot is puts of one key, 512 of which wait for each other's latch: one entry a
// put, and what the queue costs.
func BenchmarkPutHot(b *testing.B) {
	h := newBenchHost(b)
	value := make([]byte, 100)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.put("hot", value)
		if i%512 == 511 {
			h.now.Mono += time.Millisecond
			h.turn()
		}
	}
	h.turn()
	require.NoError(b, h.failed)
}

// BenchmarkClaimQueue is the release of one claim and the next one's, while others wait in the
// lock's queue: what handing the lock on costs, however many wait.
func BenchmarkClaimQueue(b *testing.B) {
	for _, waiting := range []int{1, 256} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			h := newBenchHost(b)
			claim := func() timestamp.Timestamp {
				h.ts = h.ts.Next()
				h.request(&mvcc.ClaimArgs{Start: h.ts, Primary: "hot", Keys: []mvcc.Key{"hot"}, Expires: h.ts.Add(time.Hour)})
				return h.ts
			}
			var order []timestamp.Timestamp
			for range waiting {
				order = append(order, claim())
			}
			h.turn()
			b.ReportAllocs()
			for b.Loop() {
				h.request(&mvcc.RollbackArgs{Start: order[0], Primary: "hot", Keys: []mvcc.Key{"hot"}})
				order = append(order[1:], claim())
				h.turn()
			}
			require.NoError(b, h.failed)
		})
	}
}

// BenchmarkHot is what the sketch of busy keys adds to a request of one key.
func BenchmarkHot(b *testing.B) {
	h, keys := newHot(0), benchKeys(10_000)
	req := &mvcc.GetArgs{Keys: make([]mvcc.Key, 1)}
	for i := 0; b.Loop(); i++ {
		req.Keys[0] = keys[i%len(keys)]
		h.asked(time.Duration(i)*10*time.Microsecond, req)
	}
}
