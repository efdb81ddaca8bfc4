package shell

import (
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shaledb/shale/cmd/shale/output"
	"github.com/shaledb/shale/mvcc"
)

// look is a command that is a SELECT.
func (s *Shell) look(statement string) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error { return s.query(ctx, statement) }
}

// tables lists what can be asked.
func (s *Shell) tables(ctx context.Context, pattern string) error {
	relations, err := s.relations(ctx)
	if err != nil {
		return err
	}
	l := output.NewListing("name", "kind", "what it holds")
	for _, kind := range []Kind{Table, TableFunction, Scalar} {
		for _, r := range relations {
			if r.Kind == kind && fits(pattern, r.Name) {
				l.Add(r.call(), r.Kind.String(), r.Doc)
			}
		}
	}
	if len(l.Values) == 0 {
		return mistake("no table or function fits %q", pattern)
	}
	return s.printListing(l)
}

// fits says whether a name has a pattern: a part of it, or all of it with * and ?.
func fits(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	pattern = strings.ReplaceAll(pattern, "%", "*")
	if !strings.ContainsAny(pattern, "*?[") {
		return strings.Contains(name, pattern)
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// schema lists columns.
func (s *Shell) schema(ctx context.Context, name string) error {
	relations, err := s.relations(ctx)
	if err != nil {
		return err
	}
	name = strings.TrimSuffix(name, "()")
	l := output.NewListing("table", "column", "type", "what it is")
	var names []string
	for _, r := range relations {
		names = append(names, r.Name)
		if name != "" && !strings.EqualFold(r.Name, name) || r.Kind == Scalar && name == "" {
			continue
		}
		for _, c := range r.Columns {
			l.Add(r.Name, c.Name, c.Type, c.described())
		}
		if len(r.Columns) == 0 {
			l.Add(r.call(), nil, nil, r.Doc)
		}
	}
	if len(l.Values) == 0 {
		if near := nearest(strings.ToLower(name), names); near != "" {
			return mistake("there is no table %s; did you mean %s?", name, near)
		}
		return mistake("there is no table %s; .tables lists them", name)
	}
	return s.printListing(l)
}

// described says of an argument that it is one.
func (c *Column) described() string {
	doc := c.Doc
	if c.Argument {
		kind := "argument"
		if c.Optional {
			kind = "argument, may be left out"
		}
		doc = strings.TrimSuffix(kind+": "+doc, ": ")
	}
	return doc
}

func (s *Shell) printListing(l *output.Listing) error {
	_, err := s.print(&progress{}, l)
	return err
}

func (s *Shell) leader(ctx context.Context, shard string) error {
	statement := "SELECT * FROM shards"
	if shard != "" {
		n, err := strconv.ParseUint(shard, 10, 63)
		if err != nil {
			return mistake(".leader takes a shard's number, not %q", shard)
		}
		statement += fmt.Sprintf(" WHERE shard = %d", n)
	}
	return s.query(ctx, "SELECT shard, leader FROM ("+statement+")")
}

func (s *Shell) versions(ctx context.Context, rest string) error {
	found, err := words(rest, 0)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return mistake(".versions KEY")
	}
	k, err := found[0].key()
	if err != nil {
		return err
	}
	return s.query(ctx, "SELECT * FROM history("+keyLiteral(k)+")")
}

// explained recognises EXPLAIN TXN id.
func explained(statement string) (id string, ok bool) {
	m := explainTxn.FindStringSubmatch(statement)
	if m == nil {
		return "", false
	}
	return m[1], true
}

var explainTxn = regexp.MustCompile(`(?i)^\s*EXPLAIN\s+TXN\s+(\S+)\s*$`)

func (s *Shell) explain(ctx context.Context, id string) error {
	id = strings.Trim(id, `'"`)
	if strings.ContainsFunc(id, unicode.IsSpace) {
		return mistake(".explain takes a transaction's id: the start_ts of its versions, or what the logs say")
	}
	if _, err := strconv.ParseUint(id, 10, 63); err != nil && id != "" {
		id = literal(id)
	}
	return s.query(ctx, "SELECT * FROM explain("+id+")")
}

// literal is a text in SQL.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// keyLiteral is a key in SQL: text where it can be read, bytes where not.
func keyLiteral(k mvcc.Key) string {
	if readable(string(k)) {
		return literal(string(k))
	}
	return "X'" + hex.EncodeToString([]byte(k)) + "'"
}

// readable says whether bytes are text to SQL, as the tables have it.
func readable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\t' && r != '\n' && r != '\r'
	})
}

// shown is a key or a value as a row has it.
func shown(b []byte) any {
	if readable(string(b)) {
		return string(b)
	}
	return b
}
