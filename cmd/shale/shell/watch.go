package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/shaledb/shale/cmd/shale/output"
)

// How often .watch looks, at least and by itself.
const (
	watchEvery = 2 * time.Second
	watchMin   = 200 * time.Millisecond
	watchMax   = 24 * time.Hour
)

// watch repeats a statement until it is interrupted: on a terminal in one place, in a pipe in
// blocks with an empty line between them.
func (s *Shell) watch(ctx context.Context, rest string) error {
	every, statement, err := parseWatch(rest)
	if err != nil {
		return err
	}
	screen := output.Terminal(s.out)
	for i := 0; ; i++ {
		switch {
		case screen:
			title := fmt.Sprintf("every %s: %s   %s   Ctrl-C ends it", every, statement.Text, s.clock.now().Format("15:04:05"))
			_, err = io.WriteString(s.out, "\x1b[H\x1b[2J"+title+"\n\n")
		case i > 0:
			_, err = io.WriteString(s.out, "\n")
		}
		if err != nil {
			return err
		}
		if _, err := s.run(ctx, statement); err != nil {
			return s.watched(err)
		}
		select {
		case <-s.clock.after(every):
		case <-ctx.Done():
			return s.watched(context.Cause(ctx))
		}
	}
}

// watched: at a prompt an interrupt is how one ends it, and no error.
func (s *Shell) watched(err error) error {
	if s.person && errors.Is(err, ErrInterrupted) {
		return nil
	}
	return err
}

func parseWatch(rest string) (time.Duration, Statement, error) {
	every := watchEvery
	first := firstWord(rest)
	if seconds, err := strconv.ParseFloat(first, 64); err == nil {
		every = time.Duration(seconds * float64(time.Second))
		rest = strings.TrimSpace(rest[len(first):])
		if !(seconds >= watchMin.Seconds() && seconds <= watchMax.Seconds()) {
			return 0, Statement{}, mistake(".watch looks every 0.2 seconds at most, and once a day at least, not every %s", first)
		}
	}
	statements := SplitAll(rest)
	if len(statements) != 1 {
		return 0, Statement{}, mistake(".watch [SECONDS] STATEMENT, one statement on one line")
	}
	st := statements[0]
	if name := firstWord(st.Text); st.Language == Dot {
		switch dotted(name) {
		case ".watch", ".read", ".exit", ".quit", ".output", ".use":
			return 0, Statement{}, mistake(".watch does not repeat %s", name)
		}
	}
	return every, st, nil
}

// nestedMax is how deep scripts read each other.
const nestedMax = 10

// read runs a file of statements.
func (s *Shell) read(ctx context.Context, rest string) error {
	name, err := s.oneWord(".read FILE", rest)
	if err != nil {
		return err
	}
	if name == "" {
		return mistake(".read FILE")
	}
	if s.nested == nestedMax {
		return mistake(".read is %d files deep here: does one read itself?", nestedMax)
	}
	text, err := readScript(name)
	if err != nil {
		return err
	}
	s.nested++
	defer func() { s.nested-- }()
	// .exit in it ends it, not the shell.
	_, _, err = s.script(ctx, Script{Name: name, Text: text})
	return err
}

func readScript(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, statementMax+1))
	if err != nil {
		return "", err
	}
	if len(raw) > statementMax {
		return "", mistake("%s has more than %d MiB", name, statementMax>>20)
	}
	return string(raw), nil
}
