package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// listRun is one transaction over lists under way, and what is written down of it.
type listRun struct {
	w           *appending
	tx          Txn
	rec         *history.Txn
	pessimistic bool
}

func (r *listRun) steps(ctx context.Context, steps []listStep) error {
	for _, s := range steps {
		var err error
		switch s.do {
		case history.Read:
			err = r.read(ctx, s.lock && r.pessimistic, s.key)
		case history.AtomicAppend:
			if err = r.tx.Append(s.key, formatElement(s.value)); err == nil {
				r.rec.Ops = append(r.rec.Ops, history.Op{Do: history.AtomicAppend, Key: s.key, Value: s.value})
			}
		default:
			err = r.append(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads lists, all in one request.
func (r *listRun) read(ctx context.Context, lock bool, keys ...mvcc.Key) error {
	get := r.tx.Get
	if lock {
		get = r.tx.GetForUpdate
	}
	values, err := get(ctx, keys...)
	if err != nil {
		return err
	}
	for i, k := range keys {
		list, err := parseList(k, values[i])
		if err != nil {
			return err
		}
		r.rec.Ops = append(r.rec.Ops, history.Op{Do: history.Read, Key: k, List: list})
	}
	return nil
}

// append is the client's: read the list, and put it back longer.
func (r *listRun) append(ctx context.Context, s listStep) error {
	if err := r.read(ctx, r.pessimistic, s.key); err != nil {
		return err
	}
	if s.undo {
		if err := r.undo(s.key); err != nil {
			return err
		}
	}
	var longer []byte
	for _, v := range r.rec.Ops[len(r.rec.Ops)-1].List {
		longer = append(longer, formatElement(v)...)
	}
	if err := r.tx.Put(s.key, append(longer, formatElement(s.value)...)); err != nil {
		return err
	}
	r.rec.Ops = append(r.rec.Ops, history.Op{Do: history.Append, Key: s.key, Value: s.value})
	return nil
}

// undo puts a list that has to be gone by the commit: nobody ever appended -1.
func (r *listRun) undo(k mvcc.Key) error {
	return errors.Join(r.tx.Savepoint("before"), r.tx.Put(k, formatElement(-1)), r.tx.RollbackTo("before"))
}

// settlePatience bounds each question after a transaction whose end was not heard.
const (
	settlePatience = 5 * time.Second
	settleTries    = 3
)

// fortune is what a transaction's chance makes of its commit.
type fortune struct {
	patience time.Duration // zero: all that there is
	leave    bool          // an open outcome stays open
	rollback [settleTries]bool
}

// impatienceMax bounds an impatient client's patience: long enough to be cut off at any point
// of a commit.
const impatienceMax = 20 * time.Millisecond

func fortuneOf(rng *rand.Rand, impatient float64, mode string) fortune {
	var f fortune
	if rng.Float64() < impatient {
		f.patience = 1 + time.Duration(rng.Int64N(int64(impatienceMax)))
		// Claims of one that is left alone would be kept alive and in everybody's way.
		f.leave = mode != modePessimistic && rng.IntN(3) == 0
	}
	for i := range f.rollback {
		f.rollback[i] = rng.IntN(2) == 0
	}
	return f
}

// commit commits and notes what is known of the outcome. Where that is open it asks again:
// by the same Commit, or, as chance has it, by a Rollback, which decides as well.
func (r *listRun) commit(ctx context.Context, f fortune) error {
	err := r.first(ctx, f.patience)
	for try := 0; open(err) && !f.leave && try < settleTries; try++ {
		if try == 0 {
			r.w.resolves.Add(1)
		}
		err = r.settle(ctx, f.rollback[try])
	}
	switch {
	case err == nil:
		r.rec.Outcome = history.OK
	case definite(err):
		r.rec.Outcome = history.Aborted
	default:
		r.rec.Outcome = history.Unknown
	}
	return err
}

// first sends the Commit, and may not wait for its answer.
func (r *listRun) first(ctx context.Context, patience time.Duration) error {
	if patience == 0 {
		return r.tx.Commit(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.tx.Commit(ctx)
}

// settle asks once. It goes on after the run has ended: an open outcome proves little.
func (r *listRun) settle(ctx context.Context, rollback bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	if !rollback {
		return r.tx.Commit(ctx)
	}
	committed, err := r.tx.Rollback(ctx)
	if err != nil || committed {
		return err
	}
	return &mvcc.TxnAbortedError{StartTS: r.tx.Stamps().ID}
}

// giveUp frees the claims of a transaction that will not be committed.
func (r *listRun) giveUp(ctx context.Context) {
	if !r.pessimistic {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	// Where it fails the claims expire; the transaction stays aborted, since nobody commits it.
	_, _ = r.tx.Rollback(ctx)
}

// note writes the transaction down.
func (r *listRun) note(err error) error {
	stamps := r.tx.Stamps()
	r.rec.ID, r.rec.ReadTS = stamps.ID, stamps.Read
	if r.rec.Outcome == history.OK {
		r.rec.CommitTS = stamps.Commit
	}
	if r.rec.Outcome != history.Unknown {
		r.rec.End = r.w.now()
	}
	r.rec.Heard = heard(err, r.rec.Outcome)
	return r.w.write(r.rec)
}

// heard is what the history keeps of an error: of an ordinary one only its kind.
func heard(err error, o history.Outcome) string {
	switch {
	case err == nil:
		return ""
	case o == history.Unknown:
		return err.Error()
	}
	return errorKind(err)
}
