package shell

import (
	"context"
	"strings"

	"github.com/shaledb/shale/cmd/shale/virtual"
)

// Session is the Engine over a session of SQLite with virtual tables.
type Session struct{ *virtual.Session }

// Query runs one statement.
func (s Session) Query(ctx context.Context, statement string) (Rows, error) {
	rows, err := s.Session.Query(ctx, statement)
	if err != nil {
		return nil, err // not a nil pointer in an interface
	}
	return rows, nil
}

// InTransaction says whether BEGIN has opened one.
func (s Session) InTransaction() bool { return s.Transaction() != nil }

// Relations lists the session's tables and functions.
func (s Session) Relations(context.Context) ([]Relation, error) {
	var out []Relation
	for _, t := range s.Tables() {
		r := Relation{Name: t.Name}
		if t.Function() {
			r.Kind = TableFunction
		}
		r.Signature, r.Doc = signed(t.Name, t.Doc)
		for _, c := range t.Columns {
			r.Columns = append(r.Columns, Column{Name: c.Name, Type: c.Type, Doc: c.Doc, Argument: c.Hidden, Optional: c.Optional})
		}
		out = append(out, r)
	}
	for _, f := range s.Functions() {
		r := Relation{Name: f.Name, Kind: Scalar}
		if r.Signature, r.Doc = signed(f.Name, f.Doc); r.Signature == "" {
			r.Signature = f.Name + "(…)"
		}
		out = append(out, r)
	}
	return out, nil
}

// signed takes a signature off the beginning of a function's sentence: "at(ts): the values".
func signed(name, doc string) (signature, rest string) {
	if !strings.HasPrefix(doc, name+"(") {
		return "", doc
	}
	signature, rest, found := strings.Cut(doc, "): ")
	if !found {
		return "", doc
	}
	return signature + ")", rest
}
