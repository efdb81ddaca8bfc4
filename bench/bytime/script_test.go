package bytime

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/timestamp"
)

// The scripts are histories, a transaction a line:
//
//	[aborted|unknown] START-COMMIT [read=TS] [from=T] [to=T] [stale] [unsteady] : x=[1 2] x+3 x*4
//
// x=[1 2] is a read, x+3 an append, x*4 an append by the store.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			level := history.SnapshotIsolation
			if d.HasArg("serializable") {
				level = history.Serializable
			}
			r := Check(parse(t, d.Input), level)
			out := r.Summary() + "\n"
			for _, a := range r.Anomalies {
				out += a.String() + "\n"
			}
			return out
		})
	})
}

func parse(t *testing.T, text string) []history.Txn {
	t.Helper()
	var txns []history.Txn
	for line := range strings.Lines(text) {
		head, ops, ok := strings.Cut(strings.TrimSpace(line), ":")
		require.True(t, ok, "no colon in %q", line)
		tx := history.Txn{Process: len(txns) + 1, Outcome: history.OK}
		for word := range strings.FieldsSeq(head) {
			name, value, named := strings.Cut(word, "=")
			switch {
			case name == "read":
				tx.ReadTS = stamp(t, value)
			case name == "from":
				tx.Begin = time.Duration(stamp(t, value))
			case name == "to":
				tx.End = time.Duration(stamp(t, value))
			case name == "stale":
				tx.Stale = true
			case name == "unsteady":
				tx.Unsteady = true
			case strings.Contains(word, "-") && !named:
				start, commit, _ := strings.Cut(word, "-")
				tx.ID, tx.CommitTS = stamp(t, start), stamp(t, commit)
			default:
				tx.Outcome = history.Outcome(word)
			}
		}
		if tx.ReadTS == 0 {
			tx.ReadTS = tx.ID
		}
		parsed, err := history.ParseOps(ops)
		require.NoError(t, err)
		tx.Ops = parsed
		txns = append(txns, tx)
	}
	return txns
}

func stamp(t *testing.T, text string) timestamp.Timestamp {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 63)
	require.NoError(t, err)
	return timestamp.Timestamp(n)
}
