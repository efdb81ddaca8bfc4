package bench

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// silent is a store that never answers a get.
type silent struct{ *memory }

func (s silent) Get(ctx context.Context, _ mvcc.Key) ([]byte, bool, error) {
	<-ctx.Done()
	return nil, false, ctx.Err()
}

func silentRun(t *testing.T, ctx context.Context, o Options, out io.Writer) (*Report, error) {
	t.Helper()
	w, err := New("get", Properties{"recordcount": "10", "fieldlength": "10"})
	require.NoError(t, err)
	o.Threads, o.SkipPrepare, o.SkipVerify, o.Seed = 2, true, true, 1
	return Run(ctx, silent{newMemory(1)}, w, o, out)
}

// An operation without an answer ends at its timeout and is counted; the run goes on.
func TestTimeoutEndsAnOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		report, err := silentRun(t, t.Context(), Options{Operations: 6, Timeout: time.Second, Quiet: true}, io.Discard)
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"deadline": 6}, report.Errors)
		require.Zero(t, report.Operations)
		took := time.Since(begun)
		require.GreaterOrEqual(t, took, 3*750*time.Millisecond)
		require.Less(t, took, 4*time.Second)
	})
}

// The duration bounds a run; what is under way then may finish.
func TestDurationEndsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var lines bytes.Buffer
		report, err := silentRun(t, t.Context(), Options{Duration: 5 * time.Second, Timeout: 2 * time.Second}, &lines)
		require.NoError(t, err)
		require.Less(t, time.Since(begun), 8*time.Second)
		require.Positive(t, report.Errors["deadline"])
		require.GreaterOrEqual(t, strings.Count(lines.String(), "ops/s"), 5, "a line a second:\n%s", lines.String())
		require.GreaterOrEqual(t, report.LongestGap, Millis(5000), "nothing ever succeeded")
	})
}

// An interrupt ends a run at once, and what was measured is reported.
func TestInterruptReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		report, err := silentRun(t, ctx, Options{Duration: time.Hour, Quiet: true}, io.Discard)
		require.NoError(t, err)
		require.NotNil(t, report)
		require.Equal(t, time.Second, time.Since(begun))
	})
}

func TestOptionsRefuseNegatives(t *testing.T) {
	_, err := silentRun(t, t.Context(), Options{Duration: -1}, io.Discard)
	require.ErrorAs(t, err, new(*mvcc.InvalidError))
}
