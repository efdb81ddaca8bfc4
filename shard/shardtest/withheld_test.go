package shardtest

import (
	"fmt"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

// A follower's store is slow, its overlay is over the bound, and Raft has not heard of what was
// applied since. A durable flush ends, and more is in the overlay already: the log must keep
// what Raft believes to be unapplied, for it looks there when this replica campaigns.
func TestLogKeepsWhatRaftHasNotHeardOf(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	c := New(t, 3, shard.Config{OverlayBytes: 4000, CutBytes: 1, CutEvery: time.Millisecond})
	l := c.Elect(2)
	f := c.member(l.Node%3+1, 2)
	write := func(n int) {
		for i := range n {
			_, err := c.Ask(l, put("", fmt.Sprint("k", i), strings.Repeat("v", 190), c))
			require.NoError(t, err)
			c.Pass(150 * time.Millisecond) // the leader's own store keeps up
		}
	}
	f.holdFlush = true
	for range 3 { // the first flush is small; what gathers behind it is not
		write(30)
		f.holdFlush = false
		f.carryFlushes()
		f.holdFlush = true
		c.Settle()
	}
	c.Send(l, &routing.TransferArgs{To: f.Node})
	c.Pass(time.Second)
	require.NoError(t, f.Bad)
	require.Equal(t, f, c.Leader(2))
}
