package txn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// S9: a commit that is recorded while its timestamp cannot be disclosed yet is unknown to its
// caller. It is not "unavailable", after which an autocommit is sent again.
func TestRecordedButNotDisclosedIsUnknown(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	begin(t, c)
	w.shards[0].maxRead = w.issued + 5
	ctx, cancel := context.WithCancel(t.Context())
	w.after = func(*routing.Call) { cancel() }
	_, err := c.Autocommit(ctx, puts("a", "1"))
	var undetermined *mvcc.UndeterminedError
	require.ErrorAs(t, err, &undetermined)
	w.after = nil
	status, err := c.Outcome(t.Context(), undetermined.StartTS, undetermined.Primary)
	require.NoError(t, err)
	require.Equal(t, mvcc.Committed, status.Decision)
}
