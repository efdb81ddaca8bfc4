package shardtest

import (
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
)

func put(s, k, v string, c *Cluster) *mvcc.PrewriteArgs {
	start := c.Timestamp()
	return &mvcc.PrewriteArgs{Start: start, Primary: mvcc.Key(k), OnePhase: true, Digest: mvcc.Digest{1},
		Expires: start.Add(5 * time.Second), Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: mvcc.Key(k), Value: []byte(v)}}}
}

func TestElectPutGetScan(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	for _, n := range []int{1, 3} {
		c := New(t, n, shard.Config{})
		l := c.Elect(2)
		_, err := c.Ask(l, put("", "a", "1", c))
		require.NoError(t, err)
		res, err := c.Ask(l, &mvcc.GetArgs{Keys: []mvcc.Key{"a", "b"}})
		require.NoError(t, err)
		require.NotNil(t, res, c.String())
		got := res.(*mvcc.GetResult)
		require.Equal(t, "1", string(got.Versions[0].Value))
		require.Zero(t, got.Versions[1].Op)
		c.Pass(time.Second)
		res, err = c.Ask(l, &mvcc.ScanArgs{ReadTS: c.Timestamp(), Span: mvcc.Span{Start: "\x01"}})
		require.NoError(t, err)
		require.NotNil(t, res, "%v %+v", n, l.R.Status(c.instant()))
		require.Len(t, res.(*mvcc.ScanResult).Versions, 1)
	}
}
