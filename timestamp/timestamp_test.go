package timestamp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimestamp(t *testing.T) {
	moment := time.Date(2026, 2, 3, 4, 5, 6, 789_999_999, time.UTC)
	ts := At(moment)
	require.EqualValues(t, moment.UnixMilli()<<18, ts, "Unix milliseconds << 18 | counter")
	require.True(t, ts.Time().Equal(moment.Truncate(time.Millisecond)))
	require.Zero(t, ts.Counter())
	require.EqualValues(t, 7, (ts + 7).Counter())
	require.Equal(t, ts+7+1500<<CounterBits, (ts + 7).Add(1500*time.Millisecond+999*time.Microsecond), "the counter stays")
	require.Equal(t, ts-1<<CounterBits, ts.Add(-time.Millisecond))
	require.Equal(t, ts, ts.Next().Prev())
	require.Zero(t, Timestamp(0).Prev(), "the one below none is none")
	require.Zero(t, At(time.UnixMilli(-1)), "a clock before 1970 does not lie in the far future")
	require.Less(t, At(time.UnixMilli(1<<62)), Max, "nor one in the far future before 1970")
	require.Equal(t, "9223372036854775807", Max.String(), "it fits a positive SQLite INTEGER")
}
