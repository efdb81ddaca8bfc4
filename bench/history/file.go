package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/shaledb/shale/mvcc"
)

// Header is the first line of a file.
type Header struct {
	Kind  string `json:"history"` // append, registers
	Check Level  `json:"check,omitempty"`
	Seed  uint64 `json:"seed,omitempty"`
}

// Writer writes a history to a file, a line for each record. Its methods may be called by
// any goroutine.
type Writer struct {
	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	json *json.Encoder
}

// bufferSize keeps a run of some thousand transactions a second from writing for each.
const bufferSize = 1 << 16

// Create begins a new file.
func Create(path string, h Header) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, &mvcc.InvalidError{Reason: "HISTORY", What: fmt.Sprintf("the history %s exists already", path),
			Hint: "name a new file, or remove it"}
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{file: f, out: bufio.NewWriterSize(f, bufferSize)}
	w.json = json.NewEncoder(w.out)
	return w, w.Write(&h)
}

// Write adds one record.
func (w *Writer) Write(record any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.json.Encode(record)
}

// Flush brings the file up to date.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Flush()
}

// Close writes the rest out.
func (w *Writer) Close() error { return errors.Join(w.Flush(), w.file.Close()) }

// Records reads the file at path: its header, and then the function is called for each
// record with what decodes it.
func Records(path string, header func(Header) error, each func(decode func(any) error) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReaderSize(f, bufferSize))
	var h Header
	if err := d.Decode(&h); err != nil || h.Kind == "" {
		return &mvcc.InvalidError{Reason: "HISTORY", What: path + " is no history", Hint: "name a file that --history has written"}
	}
	if err := header(h); err != nil {
		return err
	}
	for n := 2; ; n++ {
		err := each(d.Decode)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // the last line may be torn
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", path, n, err)
		}
	}
}

// Load reads a history of transactions.
func Load(path string) (Header, []Txn, error) {
	var h Header
	var txns []Txn
	known := newInterning()
	err := Records(path, func(got Header) error { h = got; return nil }, func(decode func(any) error) error {
		var t Txn
		if err := decode(&t); err != nil {
			return err
		}
		known.txn(&t)
		txns = append(txns, t)
		return nil
	})
	return h, txns, err
}

// interning keeps one copy of what a history says again and again: keys, modes, and lists
// that are each other's beginnings.
type interning struct {
	texts   map[string]string
	longest map[mvcc.Key][]int64
}

func newInterning() *interning {
	return &interning{texts: map[string]string{}, longest: map[mvcc.Key][]int64{}}
}

func (in *interning) txn(t *Txn) {
	t.Mode, t.Outcome = in.text(t.Mode), Outcome(in.text(string(t.Outcome)))
	for i := range t.Ops {
		op := &t.Ops[i]
		op.Key = mvcc.Key(in.text(string(op.Key)))
		if op.Do == Read {
			op.List = in.list(op.Key, op.List)
		}
	}
}

func (in *interning) text(s string) string {
	known, ok := in.texts[s]
	if !ok {
		in.texts[s], known = s, s
	}
	return known
}

// list is l, as a part of the longest list of its key where it is a beginning of it.
func (in *interning) list(k mvcc.Key, l []int64) []int64 {
	longest := in.longest[k]
	n := CommonPrefix(l, longest)
	switch {
	case n == len(l):
		return longest[:n:n]
	case n == len(longest):
		// What was cut from the old array stays as it is: append writes behind it, or anew.
		longest = append(longest, l[n:]...)
		in.longest[k] = longest
		return longest[:len(l):len(l)]
	}
	return l
}

// CommonPrefix is how many elements a and b have in common at their beginning.
func CommonPrefix(a, b []int64) int {
	n := min(len(a), len(b))
	if n > 0 && &a[0] == &b[0] {
		return n // one array
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
