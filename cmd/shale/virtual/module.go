package virtual

import (
	"fmt"
	"regexp"
	"strings"

	"modernc.org/sqlite/vtab"
)

// moduleName is what the session's tables are made by. The driver shows its own modules to
// every session of the process by name, so the name must not be taken.
const moduleName = "shale_session"

// module makes SQLite's side of the session's tables. The driver keeps it for the life of the
// process, so that it lets go of the session when that is closed.
type module struct{ session *Session }

// VolatileArgs: what the driver copies it cuts at a NUL byte, and keys have those. We copy.
func (m *module) VolatileArgs() bool { return true }

func (m *module) Connect(ctx vtab.Context, args []string) (vtab.Table, error) {
	return m.Create(ctx, args)
}

func (m *module) Create(ctx vtab.Context, args []string) (vtab.Table, error) {
	if m.session == nil || len(args) < 3 {
		return nil, fmt.Errorf("the session is closed")
	}
	t := m.session.tables[args[2]]
	if t == nil {
		return nil, fmt.Errorf("the session has no table %s", args[2])
	}
	if err := ctx.Declare(t.declaration()); err != nil {
		return nil, err
	}
	a := &adapter{Table: t, session: m.session, used: map[int]map[string]bool{}, columns: map[string]int{}}
	for i, c := range t.Columns {
		a.columns[c.Name] = i
	}
	if t.Writer != nil {
		return &writable{a}, nil
	}
	return a, nil
}

// name is what tables, columns and functions may be called. Constant.
var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check refuses a table that SQLite could not show as it says.
func (t *Table) check() error {
	if !name.MatchString(t.Name) {
		return fmt.Errorf("a table cannot be called %q", t.Name)
	}
	if len(t.Columns) == 0 || t.Scan == nil {
		return fmt.Errorf("table %s has no columns or no Scan", t.Name)
	}
	hidden := false
	for _, c := range t.Columns {
		switch {
		case !name.MatchString(c.Name):
			return fmt.Errorf("table %s: a column cannot be called %q", t.Name, c.Name)
		case hidden && !c.Hidden:
			return fmt.Errorf("table %s: the arguments come last, but %s follows them", t.Name, c.Name)
		case strings.Contains(strings.ToUpper(c.Type), "DATE"), strings.Contains(strings.ToUpper(c.Type), "TIME"):
			// The driver would parse it, and hand on another value than the table's.
			return fmt.Errorf("table %s: column %s cannot be %s; say TEXT", t.Name, c.Name, c.Type)
		}
		hidden = hidden || c.Hidden
	}
	return nil
}

// declaration is the table as SQLite is told of it.
func (t *Table) declaration() string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = `"` + c.Name + `" ` + c.Type
		if c.Hidden {
			columns[i] += " HIDDEN"
		}
	}
	return "CREATE TABLE x(" + strings.Join(columns, ", ") + ")"
}

// signature is the table as it is called: history(key).
func (t *Table) signature() string {
	var args []string
	for _, c := range t.Columns {
		switch {
		case c.Hidden && c.Optional:
			args = append(args, "["+c.Name+"]")
		case c.Hidden:
			args = append(args, c.Name)
		}
	}
	return t.Name + "(" + strings.Join(args, ", ") + ")"
}

// adapter is one table as SQLite drives it.
type adapter struct {
	*Table
	session *Session
	columns map[string]int
	used    map[int]map[string]bool // what ColUsed means, by its bits
}

func (a *adapter) Open() (vtab.Cursor, error) { return &cursor{adapter: a, eof: true}, nil }
func (a *adapter) Disconnect() error          { return nil }
func (a *adapter) Destroy() error             { return nil }
