package elle

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench/history"
)

// The scripts are histories, a transaction a line:
//
//	[ok|aborted|unknown] [BEGIN-END] [stale] : x=[1 2] x+3 x*4
//
// x=[1 2] is a read, x+3 an append, x*4 an append by the store. Without times all are
// concurrent. `check` prints the verdicts under both levels, `explain` the whole report.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			txns := parse(t, d.Input)
			if d.Cmd == "explain" {
				var level string
				d.ScanArgs(t, "level", &level)
				return explain(Check(txns, history.Level(level)))
			}
			out := ""
			for _, level := range []history.Level{history.SnapshotIsolation, history.Serializable} {
				out += fmt.Sprintf("%s: %s\n", level, names(Check(txns, level)))
			}
			return out
		})
	})
}

func names(r *Report) string {
	if r.OK() {
		return "ok"
	}
	var out []string
	for _, a := range r.Anomalies {
		first, _, _ := strings.Cut(a.Text, "\n")
		if alias, _, ok := strings.Cut(first, "; a cycle"); ok {
			out = append(out, a.Name+" ("+alias+")")
		} else {
			out = append(out, a.Name)
		}
	}
	return strings.Join(out, ", ")
}

func explain(r *Report) string {
	out := r.Summary() + "\n"
	for _, a := range r.Anomalies {
		out += a.String() + "\n"
	}
	return out
}

func parse(t *testing.T, text string) []history.Txn {
	t.Helper()
	var txns []history.Txn
	for line := range strings.Lines(text) {
		head, ops, ok := strings.Cut(strings.TrimSpace(line), ":")
		require.True(t, ok, "no colon in %q", line)
		tx := history.Txn{Process: len(txns) + 1, Outcome: history.OK}
		for word := range strings.FieldsSeq(head) {
			switch begin, end, times := strings.Cut(word, "-"); {
			case times:
				tx.Begin, tx.End = time.Duration(number(t, begin)), time.Duration(number(t, end))
			case word == "stale":
				tx.Stale = true
			default:
				tx.Outcome = history.Outcome(word)
			}
		}
		parsed, err := history.ParseOps(ops)
		require.NoError(t, err)
		tx.Ops = parsed
		txns = append(txns, tx)
	}
	return txns
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}
