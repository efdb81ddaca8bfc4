package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// Verify audits the bank in one snapshot scan over accounts and ledger: the total, the
// replay of the ledger against the balances, and the client's book against the ledger.
func (w *bank) Verify(ctx context.Context, s Store) ([]string, error) {
	if err := w.book.flush(); err != nil {
		return nil, err
	}
	balances, ledger, err := w.readAll(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := w.auditBalances(balances, ledger); err != nil {
		return nil, err
	}
	return w.auditBook(ledger)
}

// readAll is one snapshot of everything.
func (w *bank) readAll(ctx context.Context, s Store) ([]int64, map[string]string, error) {
	var balances []int64
	ledger := map[string]string{}
	for e, err := range s.Scan(ctx, accountPrefix, bankEnd, 0) {
		if err != nil {
			return nil, nil, err
		}
		if id, ok := strings.CutPrefix(string(e.Key), string(ledgerPrefix)); ok {
			ledger[id] = string(e.Value)
			continue
		}
		if want := account(len(balances)); e.Key != want {
			return nil, nil, brokenf("the scan yields %s where %s is due", mvcc.FormatKey(e.Key), mvcc.FormatKey(want))
		}
		b, err := parseBalance(len(balances), e.Value)
		if err != nil {
			return nil, nil, err
		}
		balances = append(balances, b)
	}
	if len(balances) != w.accounts {
		return nil, nil, brokenf("%d accounts are there, of %d", len(balances), w.accounts)
	}
	return balances, ledger, nil
}

// auditBalances replays the ledger. What was applied twice, or half, does not add up.
func (w *bank) auditBalances(balances []int64, ledger map[string]string) error {
	want := make([]int64, w.accounts)
	for i := range want {
		want[i] = w.initial
	}
	for id, entry := range ledger {
		var from, to int
		var amount int64
		if _, err := fmt.Sscanf(entry, "%d %d %d", &from, &to, &amount); err != nil ||
			min(from, to) < 0 || max(from, to) >= w.accounts {
			return brokenf("ledger entry %s reads %q", id, entry)
		}
		want[from] -= amount
		want[to] += amount
	}
	for i, b := range balances {
		if b != want[i] {
			return brokenf("account %d holds %d, but its ledger says %d", i, b, want[i])
		}
	}
	return nil
}

// auditBook looks every transfer of the client up.
func (w *bank) auditBook(ledger map[string]string) ([]string, error) {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	counts := map[fate]int{}
	happened := 0
	for id, p := range w.book.pages {
		entry, there := ledger[id]
		switch {
		case p.Fate == acknowledged && !there:
			return nil, brokenf("the acknowledged transfer %s is lost", id)
		case p.Fate == refused && there:
			return nil, brokenf("the refused transfer %s is there", id)
		case there && entry != string(p.entry()):
			return nil, brokenf("transfer %s is there as %q, but was %q", id, entry, p.entry())
		}
		counts[p.Fate]++
		if p.Fate == unknown && there {
			happened++
		}
	}
	return []string{
		fmt.Sprintf("total %d in %d accounts: right; %d ledger entries replayed: all balances right",
			int64(w.accounts)*w.initial, w.accounts, len(ledger)),
		fmt.Sprintf("acknowledged transfers %d: none lost, none doubled; refused %d: none there; unknown %d: %d happened, once",
			counts[acknowledged], counts[refused], counts[unknown], happened),
	}, nil
}
