package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// TestWaitsAreTold: the host hands on who waits for whom, ends the wait that it is told to end,
// and counts. S23
func TestWaitsAreTold(t *testing.T) {
	w := newWorld(t, 1, nil)
	holder, waiter := w.clock.next(), w.clock.next()
	claim := &mvcc.ClaimArgs{Start: holder, Primary: "k", Keys: []mvcc.Key{"k"}, Expires: holder.Add(time.Hour)}
	_, err := w.call(dataShard, claim)
	require.NoError(t, err)

	second := *claim
	second.Start = waiter
	ended := make(chan error, 1)
	h := w.host(1)
	h.Submit(routing.Header{Shard: dataShard, Timeout: 20 * time.Second}, &second,
		func(_ routing.Response, err error) { ended <- err })
	told := <-w.waits
	require.Equal(t, waiter, told.Waiter)
	require.Equal(t, mvcc.Key("k"), told.Primary)
	require.Equal(t, holder, told.Lock.StartTS)

	res, err := w.call(dataShard, &routing.VictimArgs{Start: holder, Key: "k"})
	require.NoError(t, err)
	require.False(t, res.(*routing.VictimResult).Ended, "the holder waits for nothing")
	res, err = w.call(dataShard, &routing.VictimArgs{Start: waiter, Key: "k"})
	require.NoError(t, err)
	require.True(t, res.(*routing.VictimResult).Ended)
	var deadlock *mvcc.DeadlockError
	require.ErrorAs(t, <-ended, &deadlock)

	m := h.Metrics()
	require.EqualValues(t, 1, m.LockWaits.Load())
	require.EqualValues(t, 1, m.Victims.Load())
	require.EqualValues(t, 1, m.Entries.Load(), "one claim was laid: one round")
}

// TestValidationLooksIntoTheFile: after a restart nothing is remembered, and what was read is
// compared with the file: single keys, spans, large values and deletes. S2
func TestValidationLooksIntoTheFile(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.put(dataShard, "k", value("old", 2000))
	w.put(dataShard, "m", []byte("1"))
	before := w.clock.next()
	ts := w.clock.next()
	gone := putArgs(ts, "m", nil)
	gone.Mutations[0].Op = mvcc.MutationDelete
	_, err := w.call(dataShard, gone)
	require.NoError(t, err)
	w.put(dataShard, "k", value("new", 2000))
	after := w.clock.next()
	w.put(dataShard, "y", []byte("1")) // so that something was committed since
	w.restart(1)

	validate := func(read *mvcc.ValidateArgs) error {
		read.Start, read.At = read.ReadTS, w.clock.next()
		_, err := w.call(dataShard, read)
		return err
	}
	var conflict *mvcc.WriteConflictError
	for _, k := range []mvcc.Key{"k", "m"} {
		span := []mvcc.Span{{Start: k, End: k.Successor()}}
		require.ErrorAs(t, validate(&mvcc.ValidateArgs{ReadTS: before, Keys: []mvcc.Key{k}}), &conflict)
		require.False(t, conflict.Final)
		require.ErrorAs(t, validate(&mvcc.ValidateArgs{ReadTS: before, Spans: span}), &conflict)
		require.Equal(t, k, conflict.Key)
	}
	all := []mvcc.Span{{Start: mvcc.FirstUserKey, End: "y"}}
	require.NoError(t, validate(&mvcc.ValidateArgs{ReadTS: before, Keys: []mvcc.Key{"a", "z"}}))
	require.NoError(t, validate(&mvcc.ValidateArgs{ReadTS: after, Keys: []mvcc.Key{"k", "m"}, Spans: all}))
	require.Positive(t, w.host(1).Metrics().Reads.Load())
}
