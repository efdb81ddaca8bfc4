package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shaledb/shale/cmd/shale/output"
)

// Shell runs statements. It belongs to one goroutine.
type Shell struct {
	cfg      Config
	engine   Engine
	target   Target
	format   output.Format
	noHeader bool
	timer    bool
	out      io.Writer
	file     *os.File    // of .output, if it is open
	person   bool        // reads what goes wrong and goes on
	ctrlC    *interrupts // a terminal's; nil: the context has them
	nested   int         // how deep .read is in scripts
	commands []command
	known    []Relation // for completion; nil: not asked yet
	clock    clock
}

// clock is the time, as tests have it too.
type clock struct {
	now   func() time.Time
	after func(time.Duration) <-chan time.Time
}

// Script is a text of statements.
type Script struct {
	Name string // for errors; may be empty
	Text string
}

// New makes a shell.
func New(cfg Config) *Shell {
	s := &Shell{cfg: cfg, engine: cfg.Engine, format: cfg.Format, out: cfg.Out, clock: clock{time.Now, time.After}}
	if s.cfg.Say == nil {
		s.cfg.Say = io.Discard
	}
	s.commands = s.allCommands()
	return s
}

// RunAll runs scripts up to the first error.
func (s *Shell) RunAll(ctx context.Context, scripts []Script) (err error) {
	defer s.closeFile(&err)
	ran := false
	for _, script := range scripts {
		n, leave, err := s.script(ctx, script)
		if err != nil || leave {
			return err
		}
		ran = ran || n > 0
	}
	if !ran {
		return ErrNoStatement
	}
	return nil
}

// script runs one and answers how many statements there were.
func (s *Shell) script(ctx context.Context, script Script) (n int, leave bool, err error) {
	for _, st := range SplitAll(script.Text) {
		n++
		if leave, err = s.run(ctx, st); err != nil && script.Name != "" {
			err = &PlaceError{Place: fmt.Sprintf("%s:%d", script.Name, st.Line), Cause: err}
		}
		if leave || err != nil {
			return n, leave, err
		}
	}
	return n, false, nil
}

// Run reads and runs what comes in, until it ends or .exit. Where a person sits at the other
// end, an error is shown and the next statement awaited, and two interrupts on an empty line
// end it with ErrInterrupted.
func (s *Shell) Run(ctx context.Context) (err error) {
	defer s.closeFile(&err)
	in, restore := s.open()
	defer restore()
	for {
		text, err := in.read(ctx, s.ctrlC)
		switch {
		case errors.Is(err, io.EOF):
			return s.leave(ctx)
		case err != nil:
			return err
		}
		for _, st := range SplitAll(text) {
			leave, err := s.interruptible(ctx, func(ctx context.Context) (bool, error) { return s.run(ctx, st) })
			switch {
			case leave:
				return s.leave(ctx)
			case err == nil:
			case ctx.Err() != nil || !s.person:
				return err
			default:
				s.report(err)
			}
			if err != nil {
				break // what was typed behind it was typed in the hope that it works
			}
		}
	}
}

// leave says what ends with the shell.
func (s *Shell) leave(context.Context) error {
	if t, ok := s.engine.(Transactor); ok && t.InTransaction() {
		fmt.Fprintln(s.cfg.Say, "the open transaction is rolled back")
	}
	return nil
}

// report shows an error to a person.
func (s *Shell) report(err error) {
	if errors.Is(err, ErrInterrupted) {
		fmt.Fprintln(s.cfg.Say, "interrupted")
		return
	}
	line := err.Error()
	if s.cfg.Describe != nil {
		line = s.cfg.Describe(err)
	}
	fmt.Fprintln(s.cfg.Say, s.painted("\x1b[31m", "error: ")+line)
	for picture := range strings.Lines(Caret(err)) {
		fmt.Fprintln(s.cfg.Say, "  "+strings.TrimRight(picture, "\n"))
	}
}

func (s *Shell) painted(code, text string) string {
	if !output.Colored(s.cfg.Say) {
		return text
	}
	return code + text + "\x1b[0m"
}

// run runs one statement of any kind.
func (s *Shell) run(ctx context.Context, st Statement) (leave bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	switch st.Language {
	case Dot:
		return s.command(ctx, st.Text)
	case Keys:
		return false, s.keys(ctx, st.Text)
	}
	if id, ok := explained(st.Text); ok {
		return false, s.explain(ctx, id)
	}
	return false, s.query(ctx, st.Text)
}

// transactor is the engine, where it knows keys and transactions.
func (s *Shell) transactor(what string) (Transactor, error) {
	if t, ok := s.engine.(Transactor); ok {
		return t, nil
	}
	return nil, mistake("%s needs a cluster, and this is not one", what)
}

// prompt says where one is: in an open transaction, in the past, beside the cluster.
func (s *Shell) prompt() string {
	where, state := "", ""
	switch t := s.target; {
	case t.Shard != 0 && t.Node != 0:
		where = fmt.Sprintf("[shard %d at %d]", t.Shard, t.Node)
	case t.Shard != 0:
		where = fmt.Sprintf("[shard %d]", t.Shard)
	case t.Node != 0:
		where = fmt.Sprintf("[node %d]", t.Node)
	}
	if t, ok := s.engine.(Transactor); ok {
		if t.AsOf() != 0 {
			state = "@"
		}
		if t.InTransaction() {
			state += "*"
		}
	}
	return "shale" + where + state + "> "
}
