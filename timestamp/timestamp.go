package timestamp

import (
	"strconv"
	"time"
)

// CounterBits is the width of a timestamp's counter: 2^18 timestamps fit one millisecond.
const CounterBits = 18

// Max is the largest timestamp: it still fits a positive SQLite INTEGER. No transaction has it.
const Max = Timestamp(1<<63 - 1)

// Timestamp orders transactions: Unix milliseconds << 18 | counter. Zero means "none".
// Only the oracle makes new ones; all arithmetic stays below Max.
type Timestamp uint64

// At is the first timestamp of the millisecond in which t lies. A clock that is set before
// 1970, or past what 64 bits hold, stands at that end: it must not wrap round to the other.
func At(t time.Time) Timestamp {
	return Timestamp(min(max(t.UnixMilli(), 0), int64(Max>>CounterBits))) << CounterBits
}

// Time is the wall-clock moment of t, at the oracle that made it, to the millisecond.
func (t Timestamp) Time() time.Time {
	return time.UnixMilli(int64(t >> CounterBits))
}

// Counter is the part of t below the millisecond.
func (t Timestamp) Counter() uint64 {
	return uint64(t) & (1<<CounterBits - 1)
}

// Add moves t by a duration, to the millisecond; the counter stays.
func (t Timestamp) Add(d time.Duration) Timestamp {
	return t + Timestamp(d.Milliseconds())<<CounterBits
}

// Next is the timestamp directly above t, Prev the one directly below.
func (t Timestamp) Next() Timestamp { return t + 1 }

// Prev is the timestamp directly below t; the one below none is none.
func (t Timestamp) Prev() Timestamp {
	if t == 0 {
		return 0
	}
	return t - 1
}

// String prints t as the decimal number that the shell, the RPCs and the files show.
func (t Timestamp) String() string {
	return strconv.FormatUint(uint64(t), 10)
}
