package bench

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func runBank(t *testing.T, s Store, p Properties) (*Report, error) {
	t.Helper()
	w, err := New("bank", Properties{"accounts": "20"}.Merge(p))
	require.NoError(t, err)
	defer func() { require.NoError(t, w.(Closer).Close()) }()
	return Run(t.Context(), s, w, Options{Threads: 4, Operations: 2000, Seed: 1}, io.Discard)
}

// An honest store, which aborts and loses replies, passes.
func TestBankPassesWithAbortsAndLostReplies(t *testing.T) { // P1
	s := newMemory(1)
	s.abort, s.forget = 0.02, 0.02
	report, err := runBank(t, s, nil)
	require.NoError(t, err)
	require.Positive(t, report.Errors["aborted"])
	require.Positive(t, report.Errors["undetermined"])
	require.Equal(t, int64(2000), report.Operations+report.Errors["aborted"]+report.Errors["undetermined"])
	require.Positive(t, report.Checks)
	require.Len(t, report.Findings, 2)
}

// Each way of breaking the promise is found.
func TestBankFindsBrokenPromises(t *testing.T) {
	for name, plan := range map[string]struct {
		bug  func(*memory)
		want string
	}{
		"lost":    {func(s *memory) { s.lose = 0.01 }, "is lost"},
		"half":    {func(s *memory) { s.half = 0.01 }, "its ledger says"},
		"doubled": {func(s *memory) { s.twice = 0.01 }, "its ledger says"},
		"torn":    {func(s *memory) { s.torn = true }, "a snapshot scan finds"},
		"risen":   {func(s *memory) { s.abort, s.refused = 0.01, true }, "is there"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemory(1)
			plan.bug(s)
			report, err := runBank(t, s, nil)
			require.ErrorAs(t, err, new(*BrokenError))
			require.ErrorContains(t, err, plan.want)
			require.NotNil(t, report, "the figures come with the verdict")
		})
	}
}

// Another process holds the store to the ledger file, and finds what was lost since.
func TestLedgerFileOutlivesTheClient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	s := newMemory(1)
	rich := Properties{"ledger": path, "initialbalance": "1000000"} // so that any one can be taken back
	_, err := runBank(t, s, rich)
	require.NoError(t, err)
	verify := func() error {
		w, err := New("bank", rich.Merge(Properties{"accounts": "20"}))
		require.NoError(t, err)
		defer func() { require.NoError(t, w.(Closer).Close()) }()
		findings, err := Verify(context.Background(), s, w, Options{})
		if err == nil {
			require.Contains(t, strings.Join(findings, "\n"), "none lost")
			require.NotContains(t, strings.Join(findings, "\n"), "acknowledged transfers 0")
		}
		return err
	}
	require.NoError(t, verify())

	// The last line may be torn where the client itself was killed.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"fate":"ok","id":"00-to`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, verify())

	for k, v := range s.data { // take one transfer back, cleanly
		if id, ok := strings.CutPrefix(string(k), string(ledgerPrefix)); ok {
			delete(s.data, k)
			undo(t, s, id, string(v))
			break
		}
	}
	require.ErrorContains(t, verify(), "is lost")
}

func undo(t *testing.T, s *memory, id, entry string) {
	t.Helper()
	p := transfer{ID: id}
	for i, text := range strings.Fields(entry) {
		n, err := parseBalance(i, []byte(text))
		require.NoError(t, err)
		switch i {
		case 0:
			p.From = int(n)
		case 1:
			p.To = int(n)
		case 2:
			p.Amount = n
		}
	}
	from, err := parseBalance(p.From, s.data[account(p.From)])
	require.NoError(t, err)
	to, err := parseBalance(p.To, s.data[account(p.To)])
	require.NoError(t, err)
	s.data[account(p.From)], s.data[account(p.To)] = balance(from+p.Amount), balance(to-p.Amount)
}

// Transfers cross shards: accounts and ledger lie on both sides of every cut.
func TestBankSplitKeys(t *testing.T) {
	w, err := New("bank", nil)
	require.NoError(t, err)
	splits := w.SplitKeys(8)
	require.Len(t, splits, 7)
	require.IsIncreasing(t, splits)
}
