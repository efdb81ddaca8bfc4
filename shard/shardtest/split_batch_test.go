package shardtest

import (
	"testing"
	"testing/cryptotest"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

// P16: a write is evaluated in the very turn that applies a split of its shard. It was
// evaluated under the old bounds, so it must not be proposed under the new ones: it goes
// round again and hears of the new route.
func TestWriteEvaluatedInTheTurnOfASplit(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	c := New(t, 1, shard.Config{})
	l := c.Elect(2)
	_, err := c.Ask(l, put("", "a", "1", c))
	require.NoError(t, err)
	c.Send(l, &routing.SplitArgs{Key: "m", Right: 3, Replicas: []routing.ReplicaID{7}})
	l.turn() // the split is in the log and committed, and will be applied in the next turn
	late, kept := c.Send(l, put("", "z", "1", c)), c.Send(l, put("", "b", "1", c))
	c.Settle()
	require.NoError(t, l.Bad)
	_, err, answered := c.Answered(late)
	require.True(t, answered)
	var moved *routing.EpochMismatchError
	require.ErrorAs(t, err, &moved)
	_, err, answered = c.Answered(kept)
	require.True(t, answered)
	require.NoError(t, err)
	res, err := c.Ask(l, &mvcc.GetArgs{ReadTS: c.Timestamp(), Keys: []mvcc.Key{"b"}})
	require.NoError(t, err)
	require.Equal(t, "1", string(res.(*mvcc.GetResult).Versions[0].Value))
}
