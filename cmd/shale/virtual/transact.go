package virtual

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// transaction is the distributed transaction beside SQLite's own. kv takes part in SQLite's
// from BEGIN on, so that SQLite's hooks say what becomes of this one: Sync commits it, before
// SQLite commits its own; Rollback takes it back, whatever the reason.
type transaction struct {
	Transaction
	explicit bool // by BEGIN: it outlives the statement
	ended    bool // committed, or lost

	// A savepoint of SQLite's (each statement may have one) becomes one of the transaction's
	// only when something is written after it. -1 is the beginning.
	pending, saved []int
}

// rollbackWait bounds a rollback after the statement's context has ended.
const rollbackWait = 5 * time.Second

// Transaction is the one that BEGIN opened; nil: none is open.
func (s *Session) Transaction() Transaction {
	if s.tx == nil || !s.tx.explicit {
		return nil
	}
	return s.tx.Transaction
}

// open begins the distributed transaction of a statement, or that of BEGIN.
func (s *Session) open(r *run, explicit bool) (err error) {
	defer s.recovered("Begin", &err)
	asOf := s.asOf
	tx, err := s.config.Begin(r.ctx)
	if err != nil {
		return r.fail(err)
	}
	s.tx = &transaction{Transaction: tx, explicit: explicit, pending: []int{-1}}
	if asOf != 0 && tx.ReadTimestamp() != asOf {
		s.abandon(r.ctx)
		return r.fail(&RefusedError{"kv and BEGIN show the present: .asof off first, or use at(ts)"})
	}
	return nil
}

// enlist makes kv take part in the SQLite transaction that has just begun.
func (s *Session) enlist(ctx context.Context) error {
	err := s.execute(ctx, "DELETE FROM "+kvName+" WHERE 0")
	if err != nil {
		err = errors.Join(err, s.execute(context.WithoutCancel(ctx), "ROLLBACK"))
	}
	return err
}

// settle brings both sides to the same state after a statement.
func (s *Session) settle(r *run) {
	if s.tx != nil && (s.tx.ended || !s.tx.explicit || !s.handle.inTransaction()) {
		s.abandon(r.ctx)
	}
	if s.tx == nil && s.config.Begin != nil && s.handle.inTransaction() {
		s.execute(context.WithoutCancel(r.ctx), "ROLLBACK")
	}
}

// abandon rolls the distributed transaction back, if there is one.
func (s *Session) abandon(ctx context.Context) (err error) {
	tx := s.tx
	if s.tx = nil; tx == nil || tx.ended {
		return nil
	}
	defer s.recovered("Rollback", &err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackWait)
	defer cancel()
	return tx.Rollback(ctx)
}

// commit is the commit of both: SQLite asks for it before it commits its own.
func (s *Session) commit() (err error) {
	tx, r := s.tx, s.run
	if tx == nil || tx.ended {
		return nil
	}
	defer s.recovered("Commit", &err)
	tx.ended = true
	ts, err := tx.Commit(r.ctx)
	if err != nil {
		return r.fail(err)
	}
	r.committed = ts
	return nil
}

// mark notes a savepoint.
func (tx *transaction) mark(i int) {
	tx.release(i)
	tx.pending = append(tx.pending, i)
}

// release forgets a savepoint and those within it. The transaction keeps its copy until the
// name is used again.
func (tx *transaction) release(i int) {
	later := func(j int) bool { return j >= i }
	tx.pending = slices.DeleteFunc(tx.pending, later)
	tx.saved = slices.DeleteFunc(tx.saved, later)
}

// writing sets the savepoints that a write would pass.
func (tx *transaction) writing() error {
	for _, i := range tx.pending {
		if err := tx.Savepoint(savepointName(i)); err != nil {
			return err
		}
		tx.saved = append(tx.saved, i)
	}
	tx.pending = tx.pending[:0]
	return nil
}

// returnTo takes back what was written since a savepoint, which stays.
func (tx *transaction) returnTo(i int) error {
	later := func(j int) bool { return j > i }
	tx.pending = slices.DeleteFunc(tx.pending, later)
	if !slices.Contains(tx.saved, i) {
		return nil // nothing was written since
	}
	tx.saved = slices.DeleteFunc(tx.saved, later)
	return tx.RollbackTo(savepointName(i))
}

func savepointName(i int) string { return "shale_sql_" + strconv.Itoa(i+1) }

// doSavepoint is deeper than SQLite's own ever are.
const doSavepoint = 1 << 20

// Do runs f in the open transaction, else in one of its own that is committed at the end.
// Where f fails, nothing of what it wrote stays.
func (s *Session) Do(ctx context.Context, write bool, f func(Transaction) error) (committed uint64, err error) {
	switch {
	case s.conn == nil:
		return 0, ErrClosed
	case s.rows != nil:
		return 0, errors.New("the rows of the last statement are still open: close them first")
	case s.config.Begin == nil:
		return 0, &RefusedError{"this session only looks: it has no transactions"}
	case write && !s.write:
		return 0, writesOff("keys")
	}
	ctx, cancel := context.WithCancel(WithStatement(ctx, &Statement{AsOf: s.asOf}))
	s.run = &run{ctx: ctx, cancel: cancel}
	defer func() {
		cancel()
		s.run = nil
	}()
	defer s.recovered("transaction", &err)
	if s.tx != nil && write {
		return 0, s.inside(s.tx, f)
	} else if s.tx != nil {
		return 0, f(s.tx.Transaction)
	}
	if err := s.open(s.run, false); err != nil {
		return 0, err
	}
	defer s.abandon(ctx)
	if err := f(s.tx.Transaction); err != nil {
		return 0, err
	}
	if !write {
		return 0, nil
	}
	err = s.commit()
	return s.run.committed, err
}

// inside runs f within the open transaction, under a savepoint of its own.
func (s *Session) inside(tx *transaction, f func(Transaction) error) (err error) {
	tx.mark(doSavepoint)
	if err := tx.writing(); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, tx.returnTo(doSavepoint))
		}
		tx.release(doSavepoint)
	}()
	if err := f(tx.Transaction); err != nil {
		return err
	}
	done = true
	return nil
}

func writesOff(what string) error {
	return &RefusedError{fmt.Sprintf("this session does not change %s; “.write on” lets it", what)}
}
