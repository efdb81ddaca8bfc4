package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shaledb/shale/cmd/shale/output"
)

// query runs one SQL statement and prints what it finds.
func (s *Shell) query(ctx context.Context, statement string) error {
	return s.timed(ctx, func(ctx context.Context, p *progress) (int, error) {
		rows, err := s.engine.Query(ctx, statement)
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		counted := &countedRows{Rows: rows, count: &p.rows}
		n, err := s.print(p, counted)
		if e := rows.Close(); err == nil {
			err = e
		}
		if err != nil {
			return n, err
		}
		if c, ok := rows.(Cut); ok && c.Cut() {
			fmt.Fprintf(p.over(s.cfg.Say), "there is more: the caps on an answer from inside a file left only the %s above\n", rowsText(n))
		}
		if c, ok := rows.(Committed); ok {
			return n, s.committed(p, c.Committed())
		}
		return n, nil
	})
}

// timed runs a statement with its time limit, its progress and its timer.
func (s *Shell) timed(ctx context.Context, f func(context.Context, *progress) (int, error)) error {
	if s.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.cfg.Timeout, ErrTimeout)
		defer cancel()
	}
	begun := s.clock.now()
	p := s.startProgress(begun)
	n, err := f(ctx, p)
	p.stop()
	if err != nil {
		return why(ctx, err)
	}
	if s.timer {
		took := s.clock.now().Sub(begun)
		fmt.Fprintf(s.cfg.Say, "%s, %s\n", rowsText(n), took.Round(max(took/1000, time.Microsecond)))
	}
	return nil
}

// why says what ended a statement, where that was not its own doing.
func why(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil, errors.Is(err, cause):
		return err
	case errors.Is(cause, ErrInterrupted):
		return ErrInterrupted
	case errors.Is(cause, ErrTimeout) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return fmt.Errorf("%w (%w)", ErrTimeout, err)
	}
	return err
}

// print prints rows as .mode and .headers want it, through p, which clears the progress away.
func (s *Shell) print(p *progress, rows output.Rows) (int, error) {
	if len(rows.Columns()) == 0 { // a statement without a result
		for rows.Next() {
		}
		return 0, rows.Err()
	}
	n, err := output.Print(p.over(s.out), s.format, rows, output.Options{
		NoHeader: s.noHeader, Color: output.Colored(s.out), Say: p.over(s.cfg.Say),
	})
	if err != nil && n > 0 {
		fmt.Fprintf(p.over(s.cfg.Say), "the %s above are not the whole answer\n", rowsText(n))
	}
	return n, err
}

// committed says when something was.
func (s *Shell) committed(p *progress, ts uint64) error {
	switch {
	case ts == 0:
		return nil
	case s.format == output.Table, s.format == "", s.format == output.Markdown:
		_, err := fmt.Fprintf(p.over(s.out), "committed at %d\n", ts)
		return err
	}
	l := output.NewListing("committed_at")
	l.Add(int64(ts))
	_, err := s.print(p, l)
	return err
}

func rowsText(n int) string {
	if n == 1 {
		return "1 row"
	}
	return output.Thousands(n) + " rows"
}

// one asks for a single value.
func (s *Shell) one(ctx context.Context, statement string) (value any, err error) {
	rows, err := s.engine.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, err
		}
		return nil, io.ErrUnexpectedEOF
	}
	if row := rows.Row(); len(row) > 0 {
		value = row[0]
		if text, ok := value.(string); ok {
			value = strings.Clone(text) // the row is gone with the rows
		}
	}
	return value, rows.Close()
}
