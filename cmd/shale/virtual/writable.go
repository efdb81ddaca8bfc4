package virtual

import (
	"fmt"

	"modernc.org/sqlite/vtab"
)

// writable is a table with a writer, and SQLite's hooks for transactions.
type writable struct{ *adapter }

var (
	_ vtab.Updater       = (*writable)(nil)
	_ vtab.Transactional = (*writable)(nil)
)

// Insert hands a new row on.
func (w *writable) Insert(cols []vtab.Value, _ *int64) error {
	return w.change(func(r *run) error { return w.Writer.Insert(r.ctx, w.values(cols)) })
}

// Update hands on what the row was and what it becomes.
func (w *writable) Update(id int64, cols []vtab.Value, _ *int64) error {
	return w.change(func(r *run) error {
		before, err := r.recall(w.Table, id)
		if err != nil {
			return err
		}
		return w.Writer.Update(r.ctx, before, w.values(cols))
	})
}

// Delete hands on what the row was.
func (w *writable) Delete(id int64) error {
	return w.change(func(r *run) error {
		before, err := r.recall(w.Table, id)
		if err != nil {
			return err
		}
		return w.Writer.Delete(r.ctx, before)
	})
}

func (w *writable) change(f func(r *run) error) (err error) {
	s := w.session
	defer s.recovered(w.Name, &err)
	if s.run == nil || !s.write {
		return s.fail(writesOff(w.Name))
	}
	if s.tx != nil {
		if err := s.tx.writing(); err != nil {
			return s.fail(err)
		}
	}
	if err := f(s.run); err != nil {
		return s.fail(err)
	}
	return nil
}

// values copies SQLite's.
func (w *writable) values(cols []vtab.Value) []any {
	out := make([]any, len(w.Columns))
	for i := range min(len(cols), len(out)) {
		out[i] = keep(cols[i])
	}
	return out
}

// recall is the row that the statement read before.
func (r *run) recall(t *Table, id int64) ([]any, error) {
	row, ok := r.kept[id]
	if !ok {
		return nil, fmt.Errorf("%s: the row to change was not read", t.Name)
	}
	return row, nil
}

// Begin: the statement has opened its transaction already, where it needs one.
func (w *writable) Begin() error { return nil }

// Sync commits the distributed transaction. Where it fails, SQLite rolls its own back.
func (w *writable) Sync() error { return w.session.commit() }

// Commit: SQLite has committed its own.
func (w *writable) Commit() error {
	if tx := w.session.tx; tx != nil && tx.ended {
		w.session.tx = nil
	}
	return nil
}

// Rollback: SQLite has rolled its own back, because it was told to, or had to.
func (w *writable) Rollback() error {
	s := w.session
	if s.run == nil || s.tx == nil {
		return nil
	}
	if err := s.abandon(s.run.ctx); err != nil {
		s.fail(err)
	}
	return nil
}

func (w *writable) Savepoint(i int) error {
	if tx := w.session.tx; tx != nil {
		tx.mark(i)
	}
	return nil
}

func (w *writable) Release(i int) error {
	if tx := w.session.tx; tx != nil {
		tx.release(i)
	}
	return nil
}

func (w *writable) RollbackTo(i int) (err error) {
	s := w.session
	defer s.recovered(w.Name, &err)
	if s.tx == nil {
		return nil
	}
	if err := s.tx.returnTo(i); err != nil {
		return s.fail(err)
	}
	return nil
}
