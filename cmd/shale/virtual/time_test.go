package virtual

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseTS(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	at := func(d time.Duration) int64 { return now.Add(d).UnixMilli() << counterBits }
	for text, want := range map[string]int64{
		"2026-11-23 10:00": at(0), "2026-11-23 10:00:01": at(time.Second), "2026-11-23 10:00:00.250": at(250 * time.Millisecond),
		"2026-11-23T10:00:00Z": at(0), "2026-11-23T10:00": at(0), " 2026-11-23 10:00:00 UTC ": at(0), "2026-11-23": at(-10 * time.Hour),
		"now": at(0), "-10 minutes": at(-10 * time.Minute), "+1 hour": at(time.Hour), "-2 days": at(-48 * time.Hour),
		"-5 ms": at(-5 * time.Millisecond), "-1 second": at(-time.Second), "470660677632000000": 470660677632000000,
	} {
		got, err := parseTS(text, now)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, bad := range []string{"", "yesterday", "2026-13-01 10:00", "2026-11-23 25:00", "23.11.2026", "-10 fortnights", "-x minutes",
		"12", "1969-01-01", "4000-01-01", "2026-11-23 10:00+02:00", "-999999999 days"} {
		_, err := parseTS(bad, now)
		require.ErrorContains(t, err, "ts(): ", bad)
	}
}

func TestTimeFunctions(t *testing.T) {
	s := open(t, Config{})
	require.Equal(t, "2026-11-23 10:00:00.250 <nil> 5", text(t, s, "SELECT ts_time(ts('2026-11-23 10:00:00.250')), ts_time(NULL), ts(5)"))
	require.Equal(t, "1", text(t, s, "SELECT ts('now') = ts('now') AND ts('-1 minute') < ts('now')"))
	for _, bad := range []string{"ts('x')", "ts(1.5)", "ts(x'00')", "ts_time('x')", "ts_time(-1)"} {
		_, err := all(s, "SELECT "+bad)
		require.Error(t, err, bad)
	}
}
