package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/shell/ptytest"
)

// childVariable makes the test's program a shell on a fake engine: what a terminal needs is a
// process of its own.
const childVariable = "SHALE_SHELL_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	s := New(Config{Engine: newFake(), In: os.Stdin, Out: os.Stdout, Say: os.Stderr, History: os.Getenv(childVariable)})
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	switch err := s.Run(ctx); {
	case errors.Is(err, ErrInterrupted):
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "shale:", err)
		os.Exit(1)
	}
	fmt.Println("left in order")
	os.Exit(0)
}

// person is a terminal with a shell in it.
type person struct {
	*ptytest.Console
	t       *testing.T
	history string
}

func newPerson(t *testing.T, history string) *person {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"="+history, "TERM=xterm-256color", "NO_COLOR=", "INPUTRC=/dev/null")
	c, err := ptytest.Start(cmd, 100, 30)
	require.NoError(t, err)
	p := &person{Console: c, t: t, history: history}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// does plays a script.
func (p *person) does(script string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	var out strings.Builder
	err := p.Record(ctx, &out, strings.ReplaceAll(script, "⏎", "\nkey enter\n"))
	require.NoError(p.t, err, out.String())
}

func historyIn(t *testing.T) string { return filepath.Join(t.TempDir(), "state", "shale", "history") }

// A statement over several lines, its answer, and Ctrl-D.
func TestTerminalStatement(t *testing.T) {
	p := newPerson(t, historyIn(t))
	p.does(`
		prompt shale>
		run SELECT 1,
		see ...>
		run 2;
		see answer
		prompt shale>
		run GET city/Zürich city/東京
		see no such key: city/Zürich
		see no such key: city/東京
		prompt shale>
		run .mode csv
		prompt shale>
		run MANY 3;
		match n\n0\n1\n2
		prompt shale>
		run BEGIN;
		prompt shale*>
		key ctrl-d
		see the open transaction is rolled back
		see left in order
		exit 0`)
}

// TAB completes what is sure and shows the rest with what it is; the second one chooses.
func TestTerminalCompletion(t *testing.T) {
	p := newPerson(t, historyIn(t))
	p.does(`
		prompt shale>
		type .hea
		key tab
		match (?m)^shale> \.headers$
		type on⏎
		prompt shale>
		type SELECT * FROM lo
		key tab
		match FROM locks
		type WHERE prima
		key tab
		match WHERE primary_key
		key ctrl-c
		prompt shale>
		type SELECT k
		key ctrl-a
		key ctrl-k
		type select * from h
		key tab
		match from history\(
		key ctrl-c
		prompt shale>
		type .mo
		key tab
		match (?m)^shale> \.mode$
		key tab
		see markdown
		see jsonl
		show the formats
		key tab
		match (?m)^shale> \.mode csv
		⏎
		prompt shale>`)
}

// The history has whole statements, also those of another run.
func TestTerminalHistory(t *testing.T) {
	history := historyIn(t)
	p := newPerson(t, history)
	p.does(`
		prompt shale>
		run SELECT 'first',
		see ...>
		run 'second';
		prompt shale>
		run MANY 2;
		prompt shale>
		run .exit
		exit 0`)
	info, err := os.Stat(history)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	p = newPerson(t, history)
	p.does(`
		prompt shale>
		key up
		match (?m)^shale> \.exit$
		key up
		match (?m)^shale> MANY 2;$
		key enter
		match n\n0\n1
		prompt shale>
		key ctrl-r
		send first
		match (?s)\(inc-search\): first.*'second';
		key enter
		see answer
		prompt shale>`)
}

// Ctrl-C ends the statement under way and nothing else, clears a line that is being typed, and
// leaves after it has said how.
func TestTerminalInterrupts(t *testing.T) {
	p := newPerson(t, historyIn(t))
	p.does(`
		prompt shale>
		run SLEEP;
		match … \d+\.\d s
		key ctrl-c
		see interrupted
		prompt shale>
		type SELECT half a li
		key ctrl-c
		match half a li\^C\nshale>
		prompt shale>
		key ctrl-c
		see (.exit, Ctrl-D or another Ctrl-C leaves)
		prompt shale>
		run MANY 1;
		match leaves\)\n.*\nn\n0
		prompt shale>
		key ctrl-c
		match (?s)leaves\).*leaves\)
		prompt shale>
		key ctrl-c
		exit 130`)
	require.NotContains(t, p.All(), "half a li\nerror")
	require.NotRegexp(t, `… \d+\.\d s`, p.All(), "what says how far it is goes away again")
}

// An interrupt that is no key ends a shell that waits, and its terminal is as it was before.
func TestTerminalSignal(t *testing.T) {
	p := newPerson(t, historyIn(t))
	p.does("prompt shale>")
	cooked, err := p.Cooked()
	require.NoError(t, err)
	require.False(t, cooked, "while it edits")
	require.NoError(t, p.Signal(syscall.SIGINT))
	p.does("exit 130")
	cooked, err = p.Cooked()
	require.NoError(t, err)
	require.True(t, cooked)
}

// .watch draws in one place and ends with Ctrl-C, which is no error.
func TestTerminalWatch(t *testing.T) {
	p := newPerson(t, historyIn(t))
	p.does(`
		prompt shale>
		run .watch 0.2 SELECT 1
		match every 200ms: SELECT 1 .*\n\nanswer\n\s+3
		key ctrl-c
		prompt shale>
		run .watch 0.1 SELECT 1
		see error: .watch looks every 0.2 seconds at most
		prompt shale>`)
	require.NotContains(t, p.All(), "interrupted")
}

// A broken statement is shown with its place, and what was typed behind it does not run.
func TestTerminalError(t *testing.T) {
	p := newPerson(t, historyIn(t))
	p.does(`
		prompt shale>
		run SELEC 1; MANY 3;
		match error: near "SELEC": syntax error\n  SELEC 1\n  \^
		prompt shale>
		run .tabels
		see there is no command .tabels; did you mean .tables? .help lists them
		prompt shale>
		run exit
		exit 0`)
	require.NotContains(t, p.All(), "\n0\n1\n")
}
