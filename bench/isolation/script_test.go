package isolation

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mode is how a scenario's sessions begin.
type mode int

const (
	optimistic mode = iota
	pessimistic
	serializable
	modes
)

func (m mode) String() string { return [...]string{"optimistic", "pessimistic", "serializable"}[m] }

// script is a scenario as it was read.
type script struct {
	name      string
	rows      []row
	steps     []step
	anomalies [][]condition // any of them, all of its conditions
	allowed   [modes]bool
}

// row is a key and what it holds.
type row struct{ name, value string }

func (r row) String() string { return r.name + "=" + r.value }

// step is one line: who does what, and what must come of it.
type step struct {
	line int
	text string
	who  string // T1, T2, …; db; empty: a step of the world's
	verb string
	args []string
	want [modes]string
}

// condition is one of those that make an anomaly.
type condition struct {
	who  string // T1, T2, …; empty: the rows at the end
	what string // ok, saw, end
	row  row
}

// splits says whether the scenario splits a shard, so that it needs shards of its own.
func (s *script) splits() bool {
	return slices.ContainsFunc(s.steps, func(st step) bool { return st.verb == "split" })
}

// names are the keys of the scenario, in order.
func (s *script) names() []string {
	var names []string
	for _, r := range s.rows {
		names = append(names, r.name)
	}
	for i := range s.steps {
		if st := &s.steps[i]; st.writes() {
			names = append(names, st.args[0])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (st *step) writes() bool {
	verb := strings.TrimSuffix(st.verb, "!")
	return slices.Contains([]string{"put", "insert", "del", "add"}, verb)
}

// readScripts reads all scenarios.
func readScripts(dir string) ([]*script, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, err
	}
	var out []*script
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		s, err := parseScript(filepath.Base(f), string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// parseScript reads one scenario.
func parseScript(name, text string) (*script, error) {
	s := &script{name: name}
	verdict := false
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		var err error
		switch fields[0] {
		case "rows":
			s.rows, err = parseRows(fields[1:])
		case "|":
			if got := strings.Join(fields, " "); got != "| optimistic | pessimistic | serializable" {
				err = fmt.Errorf("columns %q", got)
			}
		case "anomaly":
			err = s.anomaly(strings.TrimPrefix(strings.TrimSpace(line), "anomaly"))
		case "verdict":
			verdict = true
			err = s.verdict(line)
		default:
			err = s.step(i+1, line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if len(s.rows) == 0 || len(s.anomalies) == 0 || !verdict {
		return nil, fmt.Errorf("%s: a scenario has rows, an anomaly and a verdict", name)
	}
	return s, nil
}

func parseRows(words []string) ([]row, error) {
	var out []row
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no row", w)
		}
		out = append(out, row{name, value})
	}
	return out, nil
}

// columns cuts a line into what is done and what is expected in each mode.
func columns(line string) (do string, want [modes]string, err error) {
	parts := strings.Split(line, "|")
	for i := range parts {
		parts[i] = strings.Join(strings.Fields(parts[i]), " ")
	}
	switch len(parts) {
	case 1:
	case 2:
		want = [modes]string{parts[1], parts[1], parts[1]}
	case 1 + int(modes):
		want = [modes]string(parts[1:])
	default:
		err = fmt.Errorf("%d columns", len(parts)-1)
	}
	for i := range want {
		if want[i] == "" {
			want[i] = "ok"
		}
	}
	return parts[0], want, err
}

// arguments is how many a step's verb takes: at least, and at most.
func arguments(verb string) (least, most int, ok bool) {
	switch strings.TrimSuffix(verb, "!") {
	case "end", "rollback":
		return 0, 0, true
	case "begin", "commit":
		return 0, 1, true
	case "move", "split", "savepoint", "rollback-to", "del":
		return 1, 1, true
	case "put", "insert", "add":
		return 2, 2, true
	case "get":
		return 1, 9, true
	case "scan":
		return 0, 2, true
	}
	return 0, 0, false
}

func (s *script) step(n int, line string) error {
	do, want, err := columns(line)
	if err != nil {
		return err
	}
	words := strings.Fields(do)
	st := step{line: n, text: do, want: want}
	if words[0] == "db" || regexp.MustCompile(`^T[1-9]$`).MatchString(words[0]) {
		st.who, words = words[0], words[1:]
	}
	if len(words) == 0 {
		return fmt.Errorf("%q does nothing", do)
	}
	st.verb, st.args = words[0], words[1:]
	worlds := slices.Contains([]string{"move", "split", "end"}, st.verb)
	least, most, ok := arguments(st.verb)
	if !ok || worlds != (st.who == "") || len(st.args) < least || len(st.args) > most {
		return fmt.Errorf("%q is no step", do)
	}
	s.steps = append(s.steps, st)
	return nil
}

func (s *script) anomaly(text string) error {
	var all []condition
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		switch {
		case len(words) == 2 && words[1] == "ok":
			all = append(all, condition{who: words[0], what: "ok"})
			continue
		case len(words) == 3 && words[1] == "saw", len(words) == 2 && words[0] == "end":
		default:
			return fmt.Errorf("%q is no condition", part)
		}
		rows, err := parseRows(words[len(words)-1:])
		if err != nil {
			return err
		}
		c := condition{what: words[len(words)-2], row: rows[0]}
		if c.what == "saw" {
			c.who = words[0]
		}
		all = append(all, c)
	}
	s.anomalies = append(s.anomalies, all)
	return nil
}

func (s *script) verdict(line string) error {
	_, want, err := columns(line)
	for m, v := range want {
		if v != "allowed" && v != "prevented" {
			return fmt.Errorf("%q is no verdict", v)
		}
		s.allowed[m] = v == "allowed"
	}
	return err
}
