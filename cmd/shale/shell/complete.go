package shell

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reeflective/readline"

	"github.com/shaledb/shale/cmd/shale/output"
)

// The bounds of completion.
const (
	completeTimeout = 2 * time.Second
	filesMax        = 200
)

// candidates are what can stand where the cursor is.
type candidates struct {
	word string // what is typed of it
	list []candidate
	// bare: the character before the cursor, where nothing is typed yet and it is no space.
	bare string
	// last: nothing follows what is put in: no space does.
	last bool
}

type candidate struct {
	value string // what is put in
	shown string // what the menu shows, if that is more
	doc   string
	group string
}

// offer adds one, if it goes on from what is typed.
func (c *candidates) offer(group, value, doc string) {
	if len(value) >= len(c.word) && strings.EqualFold(value[:len(c.word)], c.word) {
		c.list = append(c.list, candidate{value: value, doc: doc, group: group})
	}
}

// show sets what the menu shows of the last one offered, if it was taken.
func (c *candidates) show(value, shown string) {
	if n := len(c.list); n > 0 && c.list[n-1].value == value {
		c.list[n-1].shown = shown
	}
}

// menu is the form of the line editor. It takes a prefix off the line and puts a value in; an
// empty prefix it replaces by what stands before the cursor up to a space, hence bare. The space
// that follows goes away again where a sign is typed next.
func (c candidates) menu() readline.Completions {
	raw := make([]readline.Completion, 0, len(c.list))
	for _, one := range c.list {
		r := readline.Completion{Value: c.bare + one.value, Display: one.value, Description: one.doc, Tag: one.group}
		if !c.last && !strings.ContainsRune("(/)", rune(one.value[len(one.value)-1])) {
			r.Value += " "
		}
		if one.shown != "" {
			r.Display = one.shown
		}
		raw = append(raw, r)
	}
	out := readline.CompleteRaw(raw).NoSpace(',', ';', ')')
	out.PREFIX = c.bare + c.word
	return out
}

// complete finds what can stand between before and after.
func (s *Shell) complete(before, after string) candidates {
	language, text, raw := current(before)
	switch {
	case language == Dot:
		return s.completeCommand(text)
	case language == Keys:
		return completeKeys(text)
	case open(raw):
		return candidates{} // in a text or a comment
	}
	c := s.completeSQL(raw, after)
	c.last = after != "" && !nameByte(after[0])
	return c
}

// current is the statement in which a text ends: where it begins to say something, and all of it.
func current(text string) (language Language, said, raw string) {
	for at := 0; ; {
		from := at + blank(text[at:])
		if from == len(text) {
			return SQL, "", text[at:]
		}
		language := languageOf(text[from:])
		n, ended := length(language, text[from:])
		last := text[from+n-1]
		if !ended || language != SQL && from+n == len(text) && last != '\n' && last != ';' {
			return language, text[from:], text[at:]
		}
		at = from + n
	}
}

// open says whether SQL ends inside of a text or a comment.
func open(sql string) bool {
	for i := 0; i < len(sql); {
		n := quoted(sql[i:])
		if i+n == len(sql) {
			t := sql[i:]
			switch {
			case strings.HasPrefix(t, "--"):
				return !strings.HasSuffix(t, "\n")
			case strings.HasPrefix(t, "/*"):
				return n < 4 || !strings.HasSuffix(t, "*/")
			case strings.ContainsRune("'\"`", rune(t[0])):
				return n < 2 || t[n-1] != t[0]
			}
			return t[0] == '[' && !strings.HasSuffix(t, "]")
		}
		i += n
	}
	return false
}

// relations asks the engine once.
func (s *Shell) relations(ctx context.Context) ([]Relation, error) {
	if s.known == nil {
		known, err := s.engine.Relations(ctx)
		if err != nil {
			return nil, err
		}
		s.known = known
	}
	return s.known, nil
}

// completed are the relations for completion, which does without where they are not to be had.
func (s *Shell) completed() []Relation {
	ctx, cancel := context.WithTimeout(context.Background(), completeTimeout)
	defer cancel()
	known, err := s.relations(ctx)
	if err != nil {
		return nil
	}
	return known
}

// completeCommand completes a command's name, or what stands behind it.
func (s *Shell) completeCommand(text string) candidates {
	name, rest, behind := strings.Cut(text, " ")
	if !behind {
		c := candidates{word: name}
		for _, command := range s.commands {
			c.offer("commands", command.name, command.doc)
		}
		return c
	}
	command, err := s.find(dotted(name))
	if err != nil {
		return candidates{}
	}
	c := candidates{word: rest[strings.LastIndexByte(rest, ' ')+1:]}
	first := !strings.Contains(strings.TrimLeft(rest, " "), " ")
	c.last = command.hint != aTarget
	switch {
	case command.hint == aStatement:
		if _, behind, ok := strings.Cut(strings.TrimLeft(rest, " "), " "); ok && strings.Trim(firstWord(rest), "0123456789.") == "" {
			rest = behind
		}
		return s.complete(rest, "")
	case command.hint == aTarget:
		completeTarget(&c, strings.Fields(rest[:len(rest)-len(c.word)]))
	case !first:
	case command.hint == aFormat:
		for _, f := range output.Names() {
			c.offer("formats", f, "")
		}
	case command.hint == aSwitch:
		c.offer("", "on", "")
		c.offer("", "off", "")
	case command.hint == aRelation:
		for _, r := range s.completed() {
			c.offer(r.Kind.String()+"s", r.Name, r.Doc)
		}
	case command.hint == aCommand:
		for _, other := range s.commands {
			c.offer("commands", strings.TrimPrefix(other.name, "."), other.doc)
		}
	case command.hint == aFile:
		completeFile(&c)
	}
	return c
}

func completeTarget(c *candidates, before []string) {
	switch {
	case len(before) == 0:
		c.offer("", "cluster", "all shards, of one moment")
		c.offer("", "shard", "one shard's leader")
		c.offer("", "replica", "a node's replicas, as they stand")
	case len(before) == 2 && before[0] == "shard":
		c.offer("", "replica", "the shard's replica on a node")
	}
}

func completeFile(c *candidates) {
	dir, _ := filepath.Split(c.word)
	look := dir
	if look == "" {
		look = "."
	}
	entries, err := os.ReadDir(look)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := dir + e.Name()
		if strings.ContainsAny(name, " '\"") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() {
			name += "/"
		}
		if c.offer("files", name, ""); len(c.list) == filesMax {
			return
		}
	}
}

func completeKeys(text string) candidates {
	c := candidates{word: text[strings.LastIndexByte(text, ' ')+1:]}
	switch {
	case !strings.Contains(text, " "):
		for _, k := range keyVerbs {
			c.offer("keys", k.name, k.doc)
		}
	case keyWord(firstWord(text)) == "SCAN" && c.word != "":
		c.offer("", "LIMIT", "at most so many rows")
	}
	return c
}

// lastByte is the character before the cursor, where the editor would take it for a part of the
// word; false: it is one that no completion follows.
func lastByte(before string) (string, bool) {
	if before == "" {
		return "", true
	}
	last := before[len(before)-1]
	if last >= utf8.RuneSelf {
		return "", false
	}
	if strings.ContainsRune(" \t\r\n", rune(last)) {
		return "", true
	}
	return string(last), true
}
