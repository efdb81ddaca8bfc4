package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// fate is what the client heard of its transfer.
type fate string

const (
	acknowledged fate = "ok"
	refused      fate = "refused" // definitely: it must never appear
	unknown      fate = "unknown" // it may have happened, once
)

// book is the client's own list of transfers and what it heard of each, the other side of
// the ledger in the store. With a file it outlives the client: a cluster that was killed as
// a whole can be held to it by another process.
type book struct {
	mu    sync.Mutex
	pages map[string]page
	file  *os.File
	out   *bufio.Writer
}

type page struct {
	Fate fate `json:"fate"`
	transfer
}

// openBook reads the file at path, if there is one, and appends to it. An empty path keeps
// the book in memory alone.
func openBook(path string) (*book, error) {
	b := &book{pages: map[string]page{}}
	if path == "" {
		return b, nil
	}
	old, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		err := b.load(old)
		if err = errors.Join(err, old.Close()); err != nil {
			return nil, fmt.Errorf("ledger %s: %w", path, err)
		}
	}
	b.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	b.out = bufio.NewWriter(b.file)
	return b, nil
}

func (b *book) load(r io.Reader) error {
	d := json.NewDecoder(r)
	for {
		var p page
		err := d.Decode(&p)
		// A client that was killed itself may have left half a line at the end.
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b.pages[p.ID] = p
	}
}

// note writes a transfer's fate down.
func (b *book) note(f fate, t *transfer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := page{f, transfer{ID: t.ID, From: t.From, To: t.To, Amount: t.Amount}}
	if _, twice := b.pages[t.ID]; twice {
		return brokenf("transfer %s was made twice by this client", t.ID)
	}
	b.pages[t.ID] = p
	if b.out == nil {
		return nil
	}
	return json.NewEncoder(b.out).Encode(p)
}

// flush brings the file up to date.
func (b *book) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == nil {
		return nil
	}
	return b.out.Flush()
}

func (b *book) close() error {
	if b.out == nil {
		return nil
	}
	return errors.Join(b.flush(), b.file.Sync(), b.file.Close())
}
