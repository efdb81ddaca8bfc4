package node

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/mvcctest"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
)

// patient is much longer than anything takes that is waited for; the machine may be shared.
const patient = time.Minute

// inspected is a node under writes, and who looks into one of its replicas.
type inspected struct {
	*trio
	nodev1connect.NodeServiceClient
	shard uint64
}

func newInspected(t *testing.T) *inspected {
	c := newTrio(t, 1)
	for i := range 200 {
		c.put(0, mvcc.Key(fmt.Sprintf("k%03d", i)), strings.Repeat("v", 100+i*10))
	}
	ds, err := c.nodes[0].cluster.Lookup(c.ctx(), "k")
	require.NoError(t, err)
	client := nodev1connect.NewNodeServiceClient(http.DefaultClient, "http://"+c.addresses[0])
	x := &inspected{trio: c, NodeServiceClient: client, shard: uint64(ds[0].ID)}
	require.Eventually(t, func() bool { // the file lags the replica by a flush
		return x.rows(t, "SELECT count(*) FROM versions WHERE substr(key, 1, 1) = x'6b'")[0][0] == "200"
	}, patient, time.Millisecond)
	return x
}

// write writes until stopped, and says how often.
func (x *inspected) write() (stop func() int) {
	quit, n := make(chan struct{}), 0
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
				x.put(0, mvcc.Key(fmt.Sprintf("w%03d", n%500)), strings.Repeat("w", 300))
				n++
			}
		}
	})
	return func() int {
		close(quit)
		writer.Wait()
		return n
	}
}

func (x *inspected) rows(t *testing.T, sql string) (out [][]string) {
	t.Helper()
	res, err := x.Inspect(t.Context(), &nodev1.InspectRequest{Shard: x.shard, Sql: sql})
	require.NoError(t, err, sql)
	for _, row := range res.Rows {
		var words []string
		for _, v := range row.Values {
			_, word, _ := strings.Cut(v.String(), ":")
			words = append(words, strings.Trim(word, `"`))
		}
		out = append(out, words)
	}
	return out
}

// P30: a replica that is written to is attacked, through the door that operators use. Nothing
// gets through, and nothing is different but what its clients have written.
func TestHostileStatementsOnALiveReplica(t *testing.T) {
	x := newInspected(t)
	state := func() [][]string {
		all := x.rows(t, "SELECT type, name, sql FROM sqlite_schema ORDER BY name")
		all = append(all, x.rows(t, "SELECT name FROM meta ORDER BY name")...)
		all = append(all, x.rows(t, "SELECT name, hex(value) FROM system ORDER BY name")...)
		return append(all, x.rows(t, "SELECT hex(key), commit_ts, op, length(value) FROM versions WHERE substr(key, 1, 1) <> x'77' ORDER BY 1, 2")...)
	}
	before := state()
	stop, dir := x.write(), t.TempDir()
	for _, q := range mvcctest.Hostile(dir) {
		ctx, cancel := context.WithTimeout(t.Context(), patient)
		_, err := x.Inspect(ctx, &nodev1.InspectRequest{Shard: x.shard, Sql: q})
		cancel()
		require.Error(t, err, "statement %.200q", q)
		require.Contains(t, []connect.Code{connect.CodePermissionDenied, connect.CodeInvalidArgument}, connect.CodeOf(err), "%.200q: %v", q, err)
		require.LessOrEqual(t, len(err.(*connect.Error).Details()), 1)
	}
	const deadline = 200 * time.Millisecond
	late := time.Duration(0)
	for _, q := range mvcctest.Bombs() {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		began := time.Now()
		_, err := x.nodes[0].Inspect(ctx, &nodev1.InspectRequest{Shard: x.shard, Sql: q})
		took := time.Since(began)
		cancel()
		require.Error(t, err, "statement %.200q", q)
		require.Less(t, took, patient, "%.200q", q)
		late = max(late, took-deadline)
	}
	written := stop()
	t.Logf("%d statements refused, %d stopped, at the latest %s after their deadline, beside %d writes",
		len(mvcctest.Hostile(dir)), len(mvcctest.Bombs()), late, written)
	require.Positive(t, written)
	require.Equal(t, before, state())
	require.Eventually(t, func() bool {
		return x.rows(t, "SELECT count(*) FROM versions WHERE substr(key, 1, 1) = x'77'")[0][0] == fmt.Sprint(written)
	}, patient, time.Millisecond)
}

// A caller that goes away ends what it asked for, on the server, too; and more than a few at
// once have to wait, and are told so.
func TestACallerThatGoesEndsItsInspections(t *testing.T) {
	x := newInspected(t)
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 1 UNION ALL SELECT count(*) FROM n"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const many = 8
	ended := make(chan error, many)
	for range many {
		go func() {
			_, err := x.Inspect(ctx, &nodev1.InspectRequest{Shard: x.shard, Sql: endless})
			ended <- err
		}()
	}
	require.Equal(t, connect.CodeResourceExhausted, connect.CodeOf(<-ended), "who gets no place is told first")
	cancel()
	for range many - 1 {
		<-ended
	}
	require.Eventually(t, func() bool { // nobody's time was over
		_, err := x.Inspect(t.Context(), &nodev1.InspectRequest{Shard: x.shard, Sql: "SELECT 1"})
		return err == nil
	}, patient, time.Millisecond)
}

// A broken statement's place comes along.
func TestABrokenStatementsPlace(t *testing.T) {
	x := newInspected(t)
	_, err := x.Inspect(t.Context(), &nodev1.InspectRequest{Shard: x.shard, Sql: "SELECT * FORM versions"})
	require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
	require.ErrorContains(t, err, "at character 10: SELECT * ▸FORM versions")
	require.Equal(t, "9", err.(*connect.Error).Meta().Get(OffsetHeader))
}
