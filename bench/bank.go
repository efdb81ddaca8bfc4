package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/shaledb/shale/mvcc"
)

// The bank's keys: accounts, and a ledger with one entry for each transfer.
const (
	accountPrefix = mvcc.Key("bank/account/")
	ledgerPrefix  = mvcc.Key("bank/ledger/")
	bankEnd       = mvcc.Key("bank0") // "0" comes after "/"
	bankLanes     = 8
)

// bank moves money between accounts, in transactions that also write a ledger entry under a
// name of their own. So every promise can be checked afterwards: each acknowledged transfer
// has its entry, each definitely refused one has none, and the entries, replayed, give the
// balances; what was applied twice would not. The total is checked in snapshot scans all the
// while.
type bank struct {
	accounts int
	initial  int64
	most     int64 // that one transfer moves
	run      string
	book     *book
	next     atomic.Uint64
	splits   []mvcc.Key // of the lanes
}

func newBank(p *propertyReader) (*bank, error) {
	w := &bank{accounts: int(p.integer("accounts", 1000)), initial: p.integer("initialbalance", 1000),
		most: p.integer("maxtransfer", 100)}
	path := p.text("ledger", "")
	if w.accounts < 2 {
		p.fail("accounts", strconv.Itoa(w.accounts), "at least 2")
	}
	if w.most < 1 {
		p.fail("maxtransfer", "0", "at least 1")
	}
	if p.err != nil {
		return nil, p.err
	}
	var id [4]byte
	rand.Read(id[:])
	w.run = hex.EncodeToString(id[:])
	w.splits = quantiles(w.accountKeys(), bankLanes)
	var err error
	w.book, err = openBook(path)
	return w, err
}

// Close writes the ledger file out.
func (w *bank) Close() error { return w.book.close() }

func account(i int) mvcc.Key { return mvcc.Key(fmt.Sprintf("%s%08d", accountPrefix, i)) }

func (w *bank) accountKeys() []mvcc.Key {
	keys := make([]mvcc.Key, w.accounts)
	for i := range keys {
		keys[i] = account(i)
	}
	return keys
}

// SplitKeys spreads the accounts over half of the shards and the ledger over the others, so
// that nearly every transfer crosses shards.
func (w *bank) SplitKeys(n int) []mvcc.Key {
	out := quantiles(w.accountKeys(), n-n/2)
	for i := range n / 2 {
		out = append(out, ledgerPrefix+mvcc.Key(fmt.Sprintf("%02x", 256*i/(n/2))))
	}
	return out
}

// Prepare opens the accounts that are not open yet. Those of an earlier run go on: their
// ledger is all there.
func (w *bank) Prepare(ctx context.Context, s Store, _ int) error {
	for chunk := range slices.Chunk(w.accountKeys(), 100) {
		err := s.Update(ctx, func(ctx context.Context, tx Tx) error {
			balances, err := tx.Get(ctx, chunk...)
			if err != nil {
				return err
			}
			for i, b := range balances {
				if b != nil {
					continue
				}
				if err := tx.Put(chunk[i], balance(w.initial)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func balance(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// transfer is one movement of money, and its ledger entry.
type transfer struct {
	ID       string `json:"id"`
	From, To int
	Amount   int64
	lanes    []int
}

// Kind is "transfer".
func (t *transfer) Kind() string { return "transfer" }

// Lanes are the two accounts' parts of the bank.
func (t *transfer) Lanes() []int { return t.lanes }

func (t *transfer) key() mvcc.Key { return ledgerPrefix + mvcc.Key(t.ID) }

func (t *transfer) entry() []byte {
	return fmt.Appendf(nil, "%d %d %d", t.From, t.To, t.Amount)
}

func (w *bank) Generate(rng *mrand.Rand, _ int) Op {
	n := w.next.Add(1)
	from, to := rng.IntN(w.accounts), rng.IntN(w.accounts-1)
	if to >= from {
		to++
	}
	return &transfer{
		// Two hash digits in front spread the ledger over its shards.
		ID:   fmt.Sprintf("%02x-%s-%d", byte(fnv(n)), w.run, n),
		From: from, To: to, Amount: 1 + rng.Int64N(w.most),
		lanes: []int{w.lane(from), w.lane(to)},
	}
}

func (w *bank) lane(i int) int {
	n, _ := slices.BinarySearch(w.splits, account(i).Successor())
	return n
}

// errPoor declines a transfer that its account cannot cover.
var errPoor = errors.New("the balance does not cover the transfer")

func (w *bank) Execute(ctx context.Context, s Store, op Op) (int, error) {
	t, runs := op.(*transfer), 0
	err := s.Update(ctx, func(ctx context.Context, tx Tx) error {
		runs++
		return move(ctx, tx, t)
	})
	retries := max(runs-1, 0)
	switch {
	case errors.Is(err, errPoor):
		return retries, nil // nothing was written, and nothing is promised
	case err == nil:
		return retries, w.book.note(acknowledged, t)
	case isA[*BrokenError](err):
		return retries, err
	case definite(err):
		return retries, errors.Join(err, w.book.note(refused, t))
	}
	return retries, errors.Join(err, w.book.note(unknown, t))
}

// move is the body of the transaction.
func move(ctx context.Context, tx Tx, t *transfer) error {
	balances, err := tx.Get(ctx, account(t.From), account(t.To))
	if err != nil {
		return err
	}
	from, err := parseBalance(t.From, balances[0])
	if err != nil {
		return err
	}
	to, err := parseBalance(t.To, balances[1])
	if err != nil {
		return err
	}
	if from < t.Amount {
		return errPoor
	}
	if err := tx.Put(account(t.From), balance(from-t.Amount)); err != nil {
		return err
	}
	if err := tx.Put(account(t.To), balance(to+t.Amount)); err != nil {
		return err
	}
	return tx.Put(t.key(), t.entry())
}

func parseBalance(i int, v []byte) (int64, error) {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 0 {
		return 0, brokenf("account %d holds %q", i, v)
	}
	return n, nil
}

// Watch adds all balances up in one snapshot scan.
func (w *bank) Watch(ctx context.Context, s Store) error {
	n, sum := 0, int64(0)
	for e, err := range s.Scan(ctx, accountPrefix, ledgerPrefix, 0) {
		if err != nil {
			return err
		}
		b, err := parseBalance(n, e.Value)
		if err != nil {
			return err
		}
		n, sum = n+1, sum+b
	}
	if want := int64(w.accounts) * w.initial; n != w.accounts || sum != want {
		return brokenf("a snapshot scan finds %d accounts with %d, but %d hold %d", n, sum, w.accounts, want)
	}
	return nil
}
