package shell

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The bounds of what is remembered.
const (
	historyMax      = 10_000  // statements
	historyBytesMax = 4 << 20 // in the file
	rememberedMax   = 64 << 10
)

// history is what was typed, oldest first: a file of JSON strings, one a line, so that a
// statement of several lines stays one.
type history struct {
	path  string // empty: it is not kept
	lines []string
}

// openHistory reads the file, and shortens it where it has become too long. Where it cannot,
// the history it answers lives as long as the shell.
func openHistory(path string) (*history, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return &history{}, err
	}
	h := &history{path: path}
	err := h.locked(func() error {
		raw, size, err := tail(path)
		if err != nil {
			return err
		}
		h.lines = remembered(raw)
		if bytes.Count(raw, []byte("\n")) <= historyMax && size <= historyBytesMax {
			return nil
		}
		return h.rewrite()
	})
	if err != nil {
		return &history{}, err
	}
	return h, nil
}

// tail reads the end of the file, as much as can be remembered, and closes it to others.
func tail(path string) (raw []byte, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	if err := f.Chmod(0o600); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	raw, err = io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-historyBytesMax), historyBytesMax))
	return raw, info.Size(), err
}

// remembered is the newest part of the file that the bounds allow. A line that is no JSON
// string was cut short, or is somebody else's: it is passed over.
func remembered(raw []byte) []string {
	var out []string
	size := 0
	lines := bytes.Split(raw, []byte("\n"))
	for _, line := range slices.Backward(lines) {
		var text string
		if json.Unmarshal(line, &text) != nil || text == "" {
			continue
		}
		if size += len(line) + 1; size > historyBytesMax || len(out) == historyMax {
			break
		}
		out = append(out, text)
	}
	slices.Reverse(out)
	return out
}

// rewrite replaces the file by what is remembered.
func (h *history) rewrite() error {
	f, err := os.CreateTemp(filepath.Dir(h.path), "history-*") // its mode is 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone already where all went well
	w := bufio.NewWriter(f)
	for _, text := range h.lines {
		if err := writeLine(w, text); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), h.path)
}

// locked keeps other shells out: while one shortens the file, another must not add to the old one.
func (h *history) locked(f func() error) error {
	dir, err := os.Open(filepath.Dir(h.path))
	if err != nil {
		return err
	}
	defer dir.Close() // it ends the lock
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	return f()
}

func writeLine(w io.Writer, text string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // people look for < and > in it
	return e.Encode(text)
}

// Write adds a statement. It makes a readline.History of it, with the three below.
func (h *history) Write(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > rememberedMax {
		return len(h.lines), nil
	}
	if n := len(h.lines); n > 0 && h.lines[n-1] == text {
		return n, nil
	}
	if h.lines = append(h.lines, text); len(h.lines) > historyMax {
		h.lines = slices.Delete(h.lines, 0, len(h.lines)-historyMax)
	}
	if h.path == "" {
		return len(h.lines), nil
	}
	return len(h.lines), h.locked(func() error {
		f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(writeLine(f, text), f.Close())
	})
}

// GetLine answers one of them, from 0, the oldest.
func (h *history) GetLine(i int) (string, error) {
	if i < 0 || i >= len(h.lines) {
		return "", fmt.Errorf("there is no statement %d", i)
	}
	return h.lines[i], nil
}

// Len is how many there are.
func (h *history) Len() int { return len(h.lines) }

// Dump answers all of them.
func (h *history) Dump() any { return h.lines }
