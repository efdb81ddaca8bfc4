package shard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// TestSpent: a claim waits 300 ms for another's lock and then for a log that takes 7 ms. Its
// answer says so, and the parts add up to the whole.
func TestSpent(t *testing.T) {
	h := newBenchHost(t)
	claim := func() timestamp.Timestamp {
		h.ts = h.ts.Next()
		h.request(&mvcc.ClaimArgs{Start: h.ts, Primary: "k", Keys: []mvcc.Key{"k"}, Expires: h.ts.Add(time.Hour)})
		return h.ts
	}
	first := claim()
	h.turn()
	require.NoError(t, h.failed)
	came := h.now.Mono
	claim()
	second := h.next
	h.turn()
	h.now.Mono += 300 * time.Millisecond
	h.request(&mvcc.RollbackArgs{Start: first, Primary: "k", Keys: []mvcc.Key{"k"}})
	var spent *Spent
	for spent == nil {
		h.r.Turn(h.now, &h.out)
		out := h.out
		h.out = Effects{}
		for _, rep := range out.Reply {
			if rep.ID == second {
				require.NoError(t, rep.Err)
				spent = &rep.Spent
			}
		}
		h.now.Mono += 7 * time.Millisecond
		for _, w := range out.Append {
			h.step(Logged{Write: w})
		}
		for _, f := range out.Flush {
			_ = h.store.Flush(f.Batch, f.Durable)
			h.step(Flushed{Generation: f.Generation, Index: f.Batch.Index, Durable: f.Durable})
		}
		for _, l := range out.Lookup {
			v, _ := h.store.View()
			facts, err := l.Answer(v)
			h.step(Looked{ID: l.ID, Facts: facts, Err: err})
		}
	}
	require.GreaterOrEqual(t, spent[WaitLock], 300*time.Millisecond)
	require.Less(t, spent[WaitLock], 350*time.Millisecond)
	require.GreaterOrEqual(t, spent[WaitConsensus], 7*time.Millisecond)
	sum := time.Duration(0)
	for _, d := range spent {
		sum += d
	}
	require.Equal(t, h.now.Mono-7*time.Millisecond-came, sum)
}
