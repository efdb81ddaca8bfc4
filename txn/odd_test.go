package txn

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// An answer at the commit point that is none leaves the outcome open: it is neither asked for
// again without end nor taken for a refusal, and no lock of what is committed is removed.
func TestAnOddAnswerAtTheCommitPointIsUnknown(t *testing.T) {
	w := newWorld(t, "m")
	c := w.coordinator()
	odd := 0
	w.after = func(call *routing.Call) {
		if kind(call.Req) == "commit primary" {
			odd++
			require.Less(t, odd, 3, "asked again and again")
			call.Res = &mvcc.TxnStatus{}
		}
	}
	start := begin(t, c)
	_, err := c.Commit(t.Context(), Transaction{Start: start}, wide("a", "1", "z", "1"))
	require.True(t, isUndetermined(err), "%v", err)
	w.after = nil
	w.settle()
	require.Equal(t, []string{"1", "1"}, w.values("a", "z"))
}

// A read that meets one resolved lock after the other ends with patience.
func TestLocksThatKeepComingEndWithPatience(t *testing.T) {
	w := newWorld(t, "m")
	reader, rounds := w.coordinator(), 0
	w.after = func(call *routing.Call) {
		if kind(call.Req) != "get" {
			return
		}
		rounds++
		require.Less(t, rounds, 10_000, "it never ends")
		w.clock += reader.cfg.Patience / 20
		call.Res, call.Err = nil, &mvcc.LockedError{Lock: mvcc.Lock{Key: "z", StartTS: w.issued, Primary: "a",
			Kind: mvcc.LockPut, MinCommitTS: 1, Digest: mvcc.Digest{byte(rounds)}}}
	}
	_, _, err := reader.Get(t.Context(), Read{TS: begin(t, reader)}, []mvcc.Key{"z"})
	var unavailable *routing.UnavailableError
	require.ErrorAs(t, err, &unavailable, fmt.Sprint(rounds, " rounds"))
	require.Greater(t, rounds, 5)
}
