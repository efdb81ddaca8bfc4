package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/reeflective/readline"
	"golang.org/x/sys/unix"
)

// lines reads what a person types, or what a script pipes in, statement by statement.
type lines struct {
	next  func() (string, error) // one statement or command; io.EOF at the end
	asked chan struct{}
	got   chan line
}

type line struct {
	text string
	err  error
}

const (
	prompt         = "shale> "
	promptContinue = "   ...> "
)

func newLines(in io.Reader) *lines {
	l := &lines{asked: make(chan struct{}), got: make(chan line, 1)}
	if terminal(in) {
		l.next = edited()
	} else {
		l.next = plainly(in)
	}
	// Reading cannot be interrupted, the program can: the reader is left behind then.
	go func() {
		for range l.asked {
			text, err := l.next()
			l.got <- line{text, err}
		}
	}()
	return l
}

func (l *lines) read(ctx context.Context) (string, error) {
	select {
	case l.asked <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case got := <-l.got:
		if got.err != nil {
			close(l.asked)
		}
		return got.text, got.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// complete says whether the text can be run: commands end with their line, SQL ends with a
// semicolon.
func complete(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, ".") || isKVWords(text) || finished(text)
}

// edited reads with a line editor, from the terminal.
func edited() func() (string, error) {
	sh := readline.NewShell()
	sh.Prompt.Primary(func() string { return prompt })
	sh.Prompt.Secondary(func() string { return promptContinue })
	sh.AcceptMultiline = func(typed []rune) bool { return complete(string(typed)) }
	return func() (string, error) {
		for {
			text, err := sh.Readline()
			switch {
			case errors.Is(err, readline.ErrInterrupt) && strings.TrimSpace(text) != "":
				continue // what was typed is thrown away
			case errors.Is(err, readline.ErrInterrupt):
				return "", errInterrupted
			case err != nil:
				return "", err
			case strings.TrimSpace(text) != "":
				return text, nil
			}
		}
	}
}

// plainly reads lines from a pipe, up to where a statement ends; what is left at the end
// of the input is a statement too.
func plainly(in io.Reader) func() (string, error) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 1<<20)
	return func() (string, error) {
		var text strings.Builder
		for scanner.Scan() {
			text.WriteString(scanner.Text() + "\n")
			if complete(text.String()) && strings.TrimSpace(text.String()) != "" {
				return text.String(), nil
			}
		}
		switch err := scanner.Err(); {
		case err != nil:
			return "", err
		case strings.TrimSpace(text.String()) != "":
			return text.String(), nil
		}
		return "", io.EOF
	}
}

// terminal says whether a person sits at the other end: /dev/null, a character device too,
// has no window.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}
