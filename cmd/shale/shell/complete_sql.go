package shell

import (
	"strings"
	"unicode"
)

// token is a word, a number or a sign of SQL; texts and comments are left out.
type token struct {
	text string
	word bool
}

// tokens cuts SQL as far as completion needs it.
func tokens(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		n := quoted(sql[i:])
		switch c := rune(sql[i]); {
		case n > 1 && (c == '"' || c == '`' || c == '['):
			out = append(out, token{text: strings.Trim(sql[i:i+n], "\"`[]"), word: true})
		case n > 1, unicode.IsSpace(c):
		case nameByte(sql[i]):
			n = len(sql[i:]) - len(strings.TrimLeftFunc(sql[i:], func(r rune) bool { return r < 128 && nameByte(byte(r)) }))
			out = append(out, token{text: sql[i : i+n], word: true})
		default:
			out = append(out, token{text: sql[i : i+n]})
		}
		i += n
	}
	return out
}

func nameByte(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// source is a relation that a statement names after FROM, JOIN, INTO or UPDATE, and its alias.
type source struct{ name, alias string }

// sources finds them.
func sources(sql string) []source {
	var out []source
	ts := tokens(sql)
	listed := false // a comma goes on with the list behind FROM
	for i := 0; i < len(ts); i++ {
		switch word := strings.ToUpper(ts[i].text); {
		case word == "FROM", word == "JOIN", word == "INTO", word == "UPDATE":
			listed = true
		case word == "," && listed:
		case word == "WHERE", word == "GROUP", word == "ORDER", word == "LIMIT", word == "SELECT", word == "SET", word == "ON", word == ")":
			listed = false
			continue
		default:
			continue
		}
		if i+1 == len(ts) || !ts[i+1].word || keyword(ts[i+1].text) {
			continue
		}
		i++
		src := source{name: ts[i].text}
		i = behindCall(ts, i)
		if i+1 < len(ts) && strings.EqualFold(ts[i+1].text, "AS") {
			i++
		}
		if i+1 < len(ts) && ts[i+1].word && !keyword(ts[i+1].text) {
			i++
			src.alias = ts[i].text
		}
		out = append(out, src)
	}
	return out
}

// behindCall goes over the arguments of a table-valued function.
func behindCall(ts []token, i int) int {
	if i+1 == len(ts) || ts[i+1].text != "(" {
		return i
	}
	depth := 0
	for i++; i < len(ts); i++ {
		switch ts[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i - 1
}

// completeSQL completes a word of SQL by what stands before it.
func (s *Shell) completeSQL(before, after string) candidates {
	at := len(before)
	for at > 0 && nameByte(before[at-1]) {
		at--
	}
	c := candidates{word: before[at:]}
	if c.word == "" {
		var ok bool
		if c.bare, ok = lastByte(before); !ok {
			return c
		}
	}
	if end := strings.IndexByte(after, ';'); end >= 0 {
		after = after[:end]
	}
	named := sources(before + " " + after)
	ts := tokens(before[:at])
	last := ""
	if len(ts) > 0 {
		last = strings.ToUpper(ts[len(ts)-1].text)
	}
	switch {
	case last == "." && len(ts) > 1:
		s.columnsOf(&c, named, ts[len(ts)-2].text)
	case last == "":
		s.beginnings(&c)
	case last == "FROM", last == "JOIN", last == "INTO", last == "UPDATE", last == "," && inFrom(ts):
		s.relationsInto(&c)
	default:
		s.columnsOf(&c, named, "")
		if c.word != "" || len(c.list) == 0 {
			s.expressions(&c)
		}
	}
	return c
}

// inFrom says whether a comma stands in the list behind FROM.
func inFrom(ts []token) bool {
	depth := 0
	for i := len(ts) - 1; i >= 0; i-- {
		switch strings.ToUpper(ts[i].text) {
		case ")":
			depth++
		case "(":
			if depth--; depth < 0 {
				return false
			}
		case "FROM":
			return depth == 0
		case "SELECT", "WHERE", "ON", "BY", "SET", "VALUES":
			if depth == 0 {
				return false
			}
		}
	}
	return false
}

// columnsOf offers the columns of the relations that the statement names, or of the one with
// a name or alias.
func (s *Shell) columnsOf(c *candidates, named []source, only string) {
	seen := map[string]bool{}
	known := s.completed()
	if only != "" {
		found := source{name: only}
		for _, src := range named {
			if strings.EqualFold(src.alias, only) {
				found = src
			}
		}
		named = []source{found}
	}
	for _, src := range named {
		for _, r := range known {
			if !strings.EqualFold(r.Name, src.name) {
				continue
			}
			for _, col := range r.Columns {
				if col.Argument || seen[col.Name] {
					continue
				}
				seen[col.Name] = true
				c.offer("columns", col.Name, strings.TrimSuffix(strings.ToLower(col.Type)+", "+col.Doc, ", "))
			}
		}
	}
}

// relationsInto offers what can stand behind FROM.
func (s *Shell) relationsInto(c *candidates) {
	for _, r := range s.completed() {
		switch r.Kind {
		case Table:
			c.offer("tables", r.Name, r.Doc)
		case TableFunction:
			s.function(c, "table functions", r.Name, r.call(), r.Doc)
		}
	}
}

// function offers one with its signature.
func (s *Shell) function(c *candidates, group, name, signature, doc string) {
	value := name + "("
	if strings.HasSuffix(signature, "()") {
		value += ")"
	}
	c.offer(group, value, doc)
	c.show(value, signature)
}

// expressions offers what can stand in an expression, or between two.
func (s *Shell) expressions(c *candidates) {
	for _, r := range s.completed() {
		if r.Kind == Scalar {
			s.function(c, "functions", r.Name, r.call(), r.Doc)
		}
	}
	for _, f := range sqliteFunctions {
		s.function(c, "functions", f.name, f.name+"("+f.args+")", f.doc)
	}
	if c.word == "" {
		return
	}
	s.relationsInto(c)
	for _, k := range keywords {
		c.offer("keywords", cased(k, c.word), "")
	}
}

// beginnings offers what a statement begins with.
func (s *Shell) beginnings(c *candidates) {
	for _, k := range beginningWords {
		c.offer("statements", cased(k.name, c.word), k.doc)
	}
	for _, k := range keyVerbs {
		c.offer("keys", cased(k.name, c.word), k.doc)
	}
	if c.word == "" {
		for _, command := range s.commands {
			c.offer("commands", command.name, command.doc)
		}
	}
}

// cased writes a keyword as the word that is typed of it: in capitals, or not.
func cased(keyword, typed string) string {
	if typed != "" && typed == strings.ToLower(typed) {
		return strings.ToLower(keyword)
	}
	return keyword
}
