package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// kvWords are the small words of the shell that read and write keys: what SQL there cannot.
type kvWords struct {
	db  *txn.DB
	out io.Writer
}

// shellScanMax is how many entries scan prints.
const shellScanMax = 100

// isKVWords says whether a typed line is one of them.
func isKVWords(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch word {
	case "get", "put", "del", "scan":
		return true
	}
	return false
}

func (w *kvWords) run(ctx context.Context, text string) error {
	words := strings.Fields(text)
	switch verb, args := words[0], words[1:]; {
	case verb == "get" && len(args) > 0:
		return w.get(ctx, args)
	case verb == "put" && len(args) > 1:
		// The value is the rest of the line, with its spaces.
		_, rest, _ := strings.Cut(text[strings.Index(text, verb)+len(verb):], args[0])
		return w.write(ctx, args[:1], func(tx *txn.Txn, k mvcc.Key) error { return tx.Put(k, []byte(strings.TrimSpace(rest))) })
	case verb == "del" && len(args) > 0:
		return w.write(ctx, args, func(tx *txn.Txn, k mvcc.Key) error { return tx.Delete(k) })
	case verb == "scan" && len(args) <= 2:
		return w.scan(ctx, args)
	}
	return usageError("%s", strings.TrimSpace(kvHelp))
}

func (w *kvWords) get(ctx context.Context, args []string) error {
	keys, err := (&keyOptions{}).parseAll(args)
	if err != nil {
		return err
	}
	entries, err := readKeys(ctx, w.db, keys)
	if err != nil {
		return err
	}
	l := entryListing(false)
	for _, e := range entries {
		if e.Found {
			l.addEntry(e, false, &keyOptions{})
		} else {
			fmt.Fprintf(w.out, "no such key: %s\n", mvcc.FormatKey(e.Key))
		}
	}
	if len(l.rows) == 0 {
		return nil
	}
	return (&outputOptions{}).printRows(w.out, l.header, l.rows)
}

func (w *kvWords) write(ctx context.Context, args []string, f func(*txn.Txn, mvcc.Key) error) error {
	keys, err := (&keyOptions{}).parseAll(args)
	if err != nil {
		return err
	}
	at, err := write(ctx, w.db, func(tx *txn.Txn) error {
		for _, k := range keys {
			if err := f(tx, k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.out, "committed at %s\n", at)
	return err
}

func (w *kvWords) scan(ctx context.Context, args []string) error {
	var span mvcc.Span
	for i, bound := range []*mvcc.Key{&span.Start, &span.End} {
		if i < len(args) {
			k, err := mvcc.ParseKey(args[i])
			if err != nil {
				return err
			}
			*bound = k
		}
	}
	l, err := (&kvScanOptions{limit: shellScanMax}).scan(ctx, w.db, span)
	if err != nil {
		return err
	}
	return (&outputOptions{}).printRows(w.out, l.header, l.rows)
}
