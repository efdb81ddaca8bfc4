package sim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// The lists, in several shards: those of one level are not those of the other.
const listCount = 5

func list(level history.Level, i int) mvcc.Key {
	shelf := map[history.Level]string{history.SnapshotIsolation: "8gqgq", history.Serializable: "7hphp"}[level]
	return mvcc.Key(fmt.Sprintf("%c%d", shelf[i%len(shelf)], i))
}

// listTxn is a transaction over lists: what its client saw, and its record.
type listTxn struct {
	level history.Level
	txn   *history.Txn
	r     *record // nil: it wrote nothing
}

// listTxn reads lists and appends to them, the way a Go program does.
func (w *world) listTxn(ctx context.Context, p *process) {
	l := listTxn{level: history.SnapshotIsolation, txn: &history.Txn{Process: p.id, Begin: w.now, Outcome: history.Aborted}}
	var options []txn.TxnOption
	if w.chance(0.5) {
		l.level = history.Serializable
		options = append(options, txn.Serializable())
	}
	blind, claims := w.chance(0.15), w.chance(0.3)
	if claims && !blind {
		l.txn.Unsteady = true
		options = append(options, txn.Pessimistic())
	}
	tx, err := txn.New(p.coordinator).Begin(ctx, options...)
	if err != nil {
		return
	}
	l.txn.ID, l.txn.ReadTS = tx.ID(), tx.ID()
	content, err := w.listOps(ctx, &l, tx, blind, claims && !blind)
	l.txn.ReadTS = tx.ReadTS()
	switch {
	case err != nil && !definite(err):
		_ = w.passing(p, "a list", err)
		fallthrough
	case err != nil || content.serves == nil && w.chance(0.3):
		_ = tx.Rollback(ctx)
		l.txn.End = w.now
		w.history.lists = append(w.history.lists, l)
		return
	}
	w.commitLists(ctx, p, &l, tx, content)
}

// listWork is what a transaction over lists is about to commit.
type listWork struct {
	serves []mvcc.Mutation
	claims []mvcc.Key
}

func (w *world) listOps(ctx context.Context, l *listTxn, tx *txn.Txn, blind, claims bool) (work listWork, err error) {
	for range 1 + w.rng.IntN(4) {
		k := list(l.level, w.some(listCount))
		w.history.element++
		value := w.history.element
		element := []byte(strconv.FormatInt(value, 10) + " ")
		if blind {
			if err := tx.Atomic(mvcc.MutationAppend, k, element); err != nil {
				return work, err
			}
			l.txn.Ops = append(l.txn.Ops, history.Op{Do: history.AtomicAppend, Key: k, Value: value})
			work.serves = append(work.serves, mvcc.Mutation{Op: mvcc.MutationAppend, Key: k})
			continue
		}
		get, writes := tx.Get, w.chance(0.5)
		if claims && (writes || w.chance(0.5)) {
			get = tx.GetForUpdate
			work.claims = append(work.claims, k)
		}
		text, err := get(ctx, k)
		if err != nil {
			return work, err
		}
		read, err := parseList(text)
		if err != nil {
			w.fail("transaction %s reads %q at list %s", tx.ID(), text, k)
			return work, err
		}
		l.txn.Ops = append(l.txn.Ops, history.Op{Do: history.Read, Key: k, List: read})
		if !writes {
			continue
		}
		if err := tx.Put(k, append(append([]byte{}, text...), element...)); err != nil {
			return work, err
		}
		l.txn.Ops = append(l.txn.Ops, history.Op{Do: history.Append, Key: k, Value: value})
		work.serves = append(work.serves, put(k, ""))
	}
	return work, nil
}

func parseList(text []byte) ([]int64, error) {
	var out []int64
	for word := range strings.FieldsSeq(string(text)) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// commitLists commits. From here on its client may die, and the outcome be anybody's guess.
func (w *world) commitLists(ctx context.Context, p *process, l *listTxn, tx *txn.Txn, work listWork) {
	if len(work.serves) > 0 || len(work.claims) > 0 {
		named := txn.Transaction{Start: tx.ID(), ReadTS: tx.ReadTS(), Claims: work.claims}
		if len(work.claims) > 0 {
			named.Primary = work.claims[0]
		}
		l.r = w.note(named, puts(work.serves...))
		l.r.opaque = true
	}
	l.txn.Outcome = history.Unknown
	w.history.lists = append(w.history.lists, *l)
	err := tx.Commit(ctx)
	for try := 0; try < 2 && w.chance(0.5) && open(err); try++ {
		err = tx.Commit(ctx)
	}
	if l.r != nil {
		w.heard(p, l.r, tx.CommitTS(), err)
	} else if err == nil {
		l.txn.Outcome, l.txn.CommitTS = history.OK, tx.CommitTS()
	}
	if err == nil || definite(err) {
		l.txn.End = w.now
	}
}

// open: the outcome is not known, or not decided.
func open(err error) bool { return err != nil && !definite(err) }

func isDeadlock(err error) bool {
	var deadlock *mvcc.DeadlockError
	return errors.As(err, &deadlock)
}
