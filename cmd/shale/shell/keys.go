package shell

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/cmd/shale/output"
	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/mvcc"
)

// The bounds of words about keys.
const (
	keysMax    = 1000    // of one GET or DEL
	scanned    = 100     // rows of a SCAN that says no LIMIT
	scannedMax = 100_000 // rows of one that does: they are held until the read is sure
)

// keyWords is one line about keys, understood.
type keyWords struct {
	verb  string
	keys  []mvcc.Key
	value []byte
	span  mvcc.Span
	limit int
}

// key reads a bare word with Go's escapes, as the command line has keys, and a quoted one as
// its quotes say.
func (w word) key() (k mvcc.Key, err error) {
	k = mvcc.Key(w.text)
	if w.bare {
		if k, err = mvcc.ParseKey(w.text); err != nil {
			return "", err
		}
	}
	return k, mvcc.ValidateKey(k)
}

// parseKeys reads a line about keys.
func parseKeys(line string) (*keyWords, error) {
	k := &keyWords{verb: keyWord(firstWord(line))}
	if k.verb == "PUT" {
		return k, k.put(line)
	}
	found, err := words(line, 0)
	if err != nil {
		return nil, err
	}
	args := found[1:]
	switch {
	case k.verb == "SCAN":
		return k, k.scan(args)
	case len(args) == 0:
		return nil, mistake("%s KEY…", k.verb)
	case len(args) > keysMax:
		return nil, mistake("%s takes %d keys at most, not %d", k.verb, keysMax, len(args))
	}
	for _, a := range args {
		key, err := a.key()
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, key)
	}
	return k, nil
}

// put: a value without quotes goes on to the line's end, with its spaces and quotes.
func (k *keyWords) put(line string) error {
	found, err := words(line, 3)
	if err == nil && len(found) == 3 && !found[2].bare {
		found, err = words(line, 0)
	}
	if err != nil {
		return err
	}
	if len(found) != 3 {
		return mistake(`PUT KEY VALUE; a value with spaces at its ends, semicolons or line breaks stands in 'quotes'`)
	}
	key, err := found[1].key()
	if err != nil {
		return err
	}
	k.keys, k.value = []mvcc.Key{key}, []byte(found[2].text)
	if found[2].bare {
		k.value = []byte(trimEnd(line[found[2].at:]))
	}
	return nil
}

func (k *keyWords) scan(args []word) error {
	k.limit = scanned
	if n := len(args); n >= 2 && args[n-2].bare && strings.EqualFold(args[n-2].text, "LIMIT") {
		limit, err := strconv.Atoi(args[n-1].text)
		if err != nil || limit < 1 || limit > scannedMax {
			return mistake("LIMIT is a number from 1 to %d, not %s", scannedMax, args[n-1].text)
		}
		k.limit, args = limit, args[:n-2]
	}
	if len(args) > 2 {
		return mistake("SCAN [START [END]] [LIMIT N]")
	}
	for i, bound := range []*mvcc.Key{&k.span.Start, &k.span.End}[:len(args)] {
		if args[i].text == "" {
			continue // '' is open
		}
		key, err := args[i].key()
		if err != nil {
			return err
		}
		*bound = key
	}
	return nil
}

// keys runs a line about keys.
func (s *Shell) keys(ctx context.Context, line string) error {
	k, err := parseKeys(line)
	if err != nil {
		return err
	}
	t, err := s.transactor(k.verb)
	if err != nil {
		return err
	}
	write := k.verb == "PUT" || k.verb == "DEL"
	if write && !t.Write() {
		return &ReadOnlyError{What: k.verb}
	}
	return s.timed(ctx, func(ctx context.Context, p *progress) (int, error) {
		var found *keysFound
		committed, err := t.Do(ctx, write, func(tx virtual.Transaction) error {
			var err error
			found, err = k.run(ctx, tx, p) // it may run again: nothing is printed before it is sure
			return err
		})
		if err != nil || found == nil {
			return 0, err
		}
		if write {
			return len(k.keys), s.committed(p, committed)
		}
		n, err := s.print(p, found.rows)
		for _, note := range found.notes {
			fmt.Fprintln(p.over(s.cfg.Say), note)
		}
		return n, err
	})
}

// keysFound is what a read answers, and what is to be said about it.
type keysFound struct {
	rows  *output.Listing
	notes []string
}

func (k *keyWords) run(ctx context.Context, tx virtual.Transaction, p *progress) (*keysFound, error) {
	switch k.verb {
	case "GET":
		return k.get(ctx, tx)
	case "SCAN":
		return k.scanRange(ctx, tx, p)
	}
	for _, key := range k.keys {
		var err error
		if k.verb == "PUT" {
			err = tx.Put(ctx, string(key), k.value)
		} else {
			err = tx.Delete(ctx, string(key))
		}
		if err != nil {
			return nil, err
		}
	}
	return &keysFound{}, nil
}

func (k *keyWords) get(ctx context.Context, tx virtual.Transaction) (*keysFound, error) {
	out := &keysFound{rows: output.NewListing("key", "value")}
	for _, key := range k.keys {
		value, found, err := tx.Get(ctx, string(key))
		if err != nil {
			return nil, err
		}
		row := []any{shown([]byte(key)), nil}
		if found {
			row[1] = shown(value)
		} else {
			out.notes = append(out.notes, "no such key: "+mvcc.FormatKey(key))
		}
		out.rows.Add(row...)
	}
	return out, nil
}

func (k *keyWords) scanRange(ctx context.Context, tx virtual.Transaction, p *progress) (*keysFound, error) {
	out := &keysFound{rows: output.NewListing("key", "value", "commit_ts")}
	p.rows.Store(0)
	for e, err := range tx.Scan(ctx, string(k.span.Start), string(k.span.End)) {
		if err != nil {
			return nil, err
		}
		if len(out.rows.Values) == k.limit {
			out.notes = append(out.notes, fmt.Sprintf("there is more: SCAN %s goes on; LIMIT allows more rows at once",
				quoteKey(mvcc.Key(e.Key))))
			break
		}
		row := []any{shown([]byte(e.Key)), shown(bytes.Clone(e.Value)), nil} // an own write has no timestamp yet
		if e.CommitTS != 0 {
			row[2] = int64(e.CommitTS)
		}
		out.rows.Add(row...)
		p.rows.Add(1)
	}
	return out, nil
}

// quoteKey writes a key so that it can be typed.
func quoteKey(k mvcc.Key) string { return strconv.Quote(string(k)) }
