package sim

import "fmt"

// checkOnce: each transfer happened at most once, and the ledger explains every balance.
func (w *world) checkOnce(t truth) {
	if !w.banked() {
		return
	}
	times := map[int]int{}
	var balances [accountCount]int
	for i := range balances {
		balances[i] = opening
	}
	for _, r := range w.history.records {
		if r.transfer == 0 || !r.present {
			continue
		}
		if times[r.transfer]++; times[r.transfer] > 1 {
			w.fail("transfer %d happened %d times, last as %v", r.transfer, times[r.transfer], r)
		}
		var from, to, amount int
		v := t[ledger(r.transfer)][0]
		if _, err := fmt.Sscan(string(v.Value), &from, &to, &amount); err != nil {
			w.fail("the ledger's entry of %v is %q", r, v.Value)
			return
		}
		balances[from] -= amount
		balances[to] += amount
	}
	for i, want := range balances {
		if vs := t[account(i)]; len(vs) > 0 {
			if n, err := balanceOf(vs[0].Value); err != nil || n != want {
				w.fail("account %s holds %q; by the ledger it is %d", account(i), vs[0].Value, want)
			}
		}
	}
}
