package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// screen is a terminal that is drawn over and over, without flicker: each line is written
// and the rest of it cleared. It knows nothing of colours or keys.
type screen struct {
	f         *os.File
	alternate bool
}

// newScreen takes a terminal; false: out is none.
func newScreen(out io.Writer) (*screen, bool) {
	f, ok := out.(*os.File)
	if !ok {
		return nil, false
	}
	if _, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err != nil {
		return nil, false
	}
	return &screen{f: f}, true
}

// size is the terminal's now: it may be another one than before.
func (s *screen) size() (width, height int) {
	w, err := unix.IoctlGetWinsize(int(s.f.Fd()), unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return 80, 24
	}
	return int(w.Col), int(w.Row)
}

const (
	ansiHome      = "\x1b[H"
	ansiClear     = "\x1b[2J"
	ansiLineRest  = "\x1b[K"
	ansiBelow     = "\x1b[J"
	ansiAlternate = "\x1b[?1049h"
	ansiNormal    = "\x1b[?1049l"
	ansiHide      = "\x1b[?25l"
	ansiShow      = "\x1b[?25h"
)

// enter takes the alternate screen, so that what was there before comes back in the end.
func (s *screen) enter() error {
	s.alternate = true
	_, err := s.f.WriteString(ansiAlternate + ansiHide + ansiClear)
	return err
}

// draw shows a text from the top, cut to the screen.
func (s *screen) draw(text string, first bool) error {
	width, height := s.size()
	var b strings.Builder
	if first {
		b.WriteString(ansiClear)
	}
	b.WriteString(ansiHome)
	for i, line := range fit(text, width, height-1) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + ansiLineRest)
	}
	b.WriteString("\r\n" + ansiBelow)
	_, err := s.f.WriteString(b.String())
	return err
}

// leave gives the terminal back. An error would say nothing that helps.
func (s *screen) leave() {
	if s.alternate {
		_, _ = s.f.WriteString(ansiShow + ansiNormal)
	}
}
