package shell

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/shaledb/shale/cmd/shale/output"
)

// reader hands over what comes in, in pieces that hold whole statements.
type reader struct {
	next  func() (string, error) // io.EOF at the end
	asked chan struct{}
	got   chan piece
}

type piece struct {
	text string
	err  error
}

// open begins to read: with a line editor where a person sits at both ends.
func (s *Shell) open() (r *reader, restore func()) {
	s.person = output.Terminal(s.cfg.In)
	if !s.person {
		return newReader(plainly(s.cfg.In, nil)), func() {}
	}
	s.ctrlC = takeInterrupts()
	state := terminalState(s.cfg.In)
	next := plainly(s.cfg.In, func(text string) { fmt.Fprint(s.cfg.Say, s.promptFor(text)) })
	if s.cfg.In == io.Reader(os.Stdin) && s.cfg.Out == io.Writer(os.Stdout) && output.Terminal(os.Stdout) {
		next = s.edited() // the editor's library knows the process's own terminal alone
	}
	r = newReader(next)
	return r, func() {
		r.close()
		state.restore()
		s.ctrlC.giveBack()
		s.ctrlC = nil
	}
}

func newReader(next func() (string, error)) *reader {
	r := &reader{next: next, asked: make(chan struct{}), got: make(chan piece, 1)}
	// Reading cannot be interrupted, the program can: the goroutine is left behind then.
	go func() {
		for range r.asked {
			text, err := r.next()
			r.got <- piece{text, err}
		}
	}()
	return r
}

func (r *reader) close() { close(r.asked) }

// read waits for the next piece, or for the end.
func (r *reader) read(ctx context.Context, ctrlC *interrupts) (string, error) {
	select {
	case r.asked <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	select {
	case p := <-r.got:
		return p.text, p.err
	case <-ctrlC.came(): // not from the keyboard, which the editor reads
		return "", ErrInterrupted
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// promptFor is the prompt before the next line of a statement.
func (s *Shell) promptFor(text string) string {
	if text == "" {
		return s.prompt()
	}
	return s.secondary()
}

// secondary is as wide as the prompt: the lines of a statement stand below each other.
func (s *Shell) secondary() string {
	return fmt.Sprintf("%*s", len(s.prompt()), "...> ")
}

// plainly reads lines up to where a statement ends; what is left at the end is one, too. Ask
// is called before each line.
func plainly(in io.Reader, ask func(text string)) func() (string, error) {
	lines := bufio.NewReaderSize(in, 64<<10)
	return func() (string, error) {
		var text strings.Builder
		for {
			if ask != nil {
				ask(text.String())
			}
			err := addLine(lines, &text)
			if err == nil {
				if _, rest := Split(text.String()); rest != "" {
					continue
				}
			}
			switch blank := blank(text.String()) == text.Len(); {
			case err != nil && err != io.EOF:
				return "", err
			case err == io.EOF && blank:
				return "", io.EOF
			case blank:
				text.Reset()
			default:
				return text.String(), nil
			}
		}
	}
}

// addLine adds the next line to text, up to the bound of a statement.
func addLine(in *bufio.Reader, text *strings.Builder) error {
	for {
		part, err := in.ReadSlice('\n')
		text.Write(part)
		if text.Len() > statementMax {
			return mistake("the statement has more than %d MiB", statementMax>>20)
		}
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// terminalMode is how a terminal was found: an editor that is left behind does not put it back.
type terminalMode struct {
	fd    int
	state *unix.Termios
}

func (m terminalMode) restore() {
	if m.state != nil {
		_ = setTerminal(m.fd, m.state) // the program ends: nobody could do better
	}
}
