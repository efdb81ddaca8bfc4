package shell

import (
	"context"

	"github.com/shaledb/shale/cmd/shale/output"
	"github.com/shaledb/shale/cmd/shale/virtual"
)

// Engine is what statements run on. The shell calls it for one statement at a time, and for
// Relations from completion, between statements.
type Engine interface {
	// Query runs one statement, without its semicolon. Its context ends when the caller
	// interrupts the statement or its time is up; Rows must end then, too.
	Query(ctx context.Context, statement string) (Rows, error)
	// Relations lists what can be named after FROM, and the scalar functions.
	Relations(ctx context.Context) ([]Relation, error)
}

// Rows is what a statement found. Close ends it early, and may be called again.
type Rows interface {
	output.Rows
	Close() error
}

// Committed is an optional part of Rows: asked after the last row, it answers when the
// statement's transaction was committed. Zero: nothing was.
type Committed interface{ Committed() uint64 }

// Cut is an optional part of Rows: asked after the last row, it answers whether there were
// more than the engine's caps allow. Part of an answer is not passed off as the whole.
type Cut interface{ Cut() bool }

// Transactor is an optional part of an Engine: keys, transactions and time.
type Transactor interface {
	// SetWrite allows writing, or forbids it, as it is at first.
	SetWrite(bool)
	Write() bool
	// SetAsOf lets all that follows see the past at a timestamp; zero: the present.
	SetAsOf(ts uint64)
	AsOf() uint64
	// InTransaction says whether BEGIN has opened one that no COMMIT or ROLLBACK has ended.
	InTransaction() bool
	// Do runs f in the open transaction, or in one of its own, which may run f again where
	// it meets a conflict. It answers when what f wrote was committed: zero while the open
	// transaction goes on, or where nothing was written.
	Do(ctx context.Context, write bool, f func(virtual.Transaction) error) (committed uint64, err error)
}

// Kind is what a Relation is.
type Kind int

// The kinds, in the order in which .tables has them.
const (
	Table         Kind = iota // also a view
	TableFunction             // SELECT … FROM name(arguments)
	Scalar                    // name(arguments) in an expression
)

func (k Kind) String() string {
	switch k {
	case TableFunction:
		return "table function"
	case Scalar:
		return "function"
	}
	return "table"
}

// Relation is one table, table-valued function or scalar function.
type Relation struct {
	Name    string
	Kind    Kind
	Doc     string // a sentence
	Columns []Column
	// Signature is name(arguments); empty: it is put together from the columns.
	Signature string
}

// Column is one of a relation's columns, or an argument of a table-valued function.
type Column struct {
	Name     string
	Type     string
	Doc      string
	Argument bool
	Optional bool // an argument that may be left out
}

// call is how a function is written.
func (r *Relation) call() string {
	if r.Signature != "" {
		return r.Signature
	}
	if r.Kind == Table {
		return r.Name
	}
	args, open := "", 0
	for _, c := range r.Columns {
		if !c.Argument {
			continue
		}
		name := c.Name
		if args != "" {
			name = ", " + name
		}
		if c.Optional {
			name = " [" + name
			open++
		}
		args += name
	}
	for range open {
		args += "]"
	}
	return r.Name + "(" + trimLeft(args) + ")"
}

func trimLeft(s string) string {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	return s
}

// Target is what .use asks for: the whole cluster (zero), one shard's leader, one shard's
// replica on a node, or all replicas on a node.
type Target struct{ Shard, Node uint64 }
