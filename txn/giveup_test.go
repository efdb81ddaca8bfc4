package txn

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// A caller gives up at each of its Commit's calls. What it leaves is decided at once, one way or
// the other: nobody waits for locks to expire.
func TestGivenUpOnTheWay(t *testing.T) {
	for kind, content := range map[string]mvcc.Content{
		"asynchronous": puts("a", "1", "h", "2", "z", "3"), "in two phases": wide("a", "1", "h", "2", "z", "3")} {
		for n := range 4 {
			t.Run(fmt.Sprint(kind, " at call ", n), func(t *testing.T) {
				w := newWorld(t, "g", "p")
				c, calls := w.coordinator(), 0
				ctx, cancel := context.WithCancel(t.Context())
				w.after = func(*routing.Call) {
					if calls++; calls == n+1 {
						cancel()
					}
				}
				tx := Transaction{Start: begin(t, c)}
				commitTS, err := c.Commit(ctx, tx, content)
				cancel()
				began := w.clock
				w.settle()
				require.Less(t, w.clock-began, time.Second)
				require.Empty(t, w.locks())
				status, e := c.Outcome(t.Context(), tx.Start, "a")
				require.NoError(t, e)
				if status.Decision == mvcc.Committed {
					require.Equal(t, []string{"1", "2", "3"}, w.values("a", "h", "z"))
				} else {
					require.Equal(t, mvcc.Aborted, status.Decision)
					require.Error(t, err)
					require.Zero(t, commitTS)
					require.Equal(t, []string{"-", "-", "-"}, w.values("a", "h", "z"))
				}
			})
		}
	}
}
