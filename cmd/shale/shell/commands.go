package shell

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// command is one that begins with a dot.
type command struct {
	name, args, doc string
	hint            argument
	// run gets what stands behind the name, without spaces around it.
	run func(ctx context.Context, rest string) error
}

// argument says what completion offers behind a command.
type argument int

const (
	anything argument = iota
	aFormat
	aSwitch
	aRelation
	aFile
	aCommand
	aTarget
	aStatement
)

// allCommands lists them in the order of .help.
func (s *Shell) allCommands() []command {
	out := []command{
		{".help", "[COMMAND]", "the commands, or one of them", aCommand, s.help},
		{".tables", "[PATTERN]", "the tables and functions; a pattern may hold * and ?", aRelation, s.tables},
		{".schema", "[TABLE]", "the columns of a table or function, or of all", aRelation, s.schema},
		{".shards", "", "the shards and their leaders", anything, s.look("SELECT * FROM shards")},
		{".nodes", "", "the nodes", anything, s.look("SELECT * FROM nodes")},
		{".leader", "[SHARD]", "who leads a shard, or every one", anything, s.leader},
		{".versions", "KEY", "all versions of a key, and a lock on it", anything, s.versions},
		{".locks", "", "the undecided writes", anything, s.look("SELECT * FROM locks")},
		{".waits", "", "who waits for whom", anything, s.look("SELECT * FROM waits")},
		{".hot", "", "the 20 busiest of keys and shards", anything, s.look("SELECT * FROM hot() ORDER BY reads + writes DESC LIMIT 20")},
		{".explain", "[ID]", "where a transaction's time went, as EXPLAIN TXN id; or which are known", anything, s.explain},
		{".asof", "[TS|TIME|now]", "see the past at a timestamp, or as of '2026-11-23 10:00'; or the present", anything, s.asOf},
		{".use", "cluster|shard N|replica NODE", "what statements run on; shard N replica NODE is one replica", aTarget, s.use},
		{".watch", "[SECONDS] STATEMENT", "repeat a statement until Ctrl-C, every 2 seconds or so many", aStatement, s.watch},
		{".read", "FILE", "run a file of statements, up to the first error", aFile, s.read},
		{".write", "[on|off]", "let this shell write, or not", aSwitch, s.setWrite},
		{".mode", "[FORMAT]", "how results are printed: table, json, jsonl, csv or markdown", aFormat, s.mode},
		{".headers", "[on|off]", "the columns' names above a result", aSwitch, s.headers},
		{".timer", "[on|off]", "how many rows a statement had, and how long it took", aSwitch, s.setTimer},
		{".output", "[FILE|-]", "print results into a file, or here again", aFile, s.setOutput},
	}
	for _, c := range s.cfg.Extra {
		out = append(out, command{name: c.Name, args: c.Args, doc: c.Doc, run: func(ctx context.Context, rest string) error {
			return c.Run(ctx, s.out, strings.Fields(rest))
		}})
	}
	return append(out, command{name: ".exit", doc: "leave; so do .quit and Ctrl-D"})
}

// command runs one.
func (s *Shell) command(ctx context.Context, text string) (leave bool, err error) {
	name, rest := text, ""
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		name, rest = text[:i], strings.TrimSpace(text[i:])
	}
	switch name = dotted(name); name {
	case ".exit", ".quit":
		return true, nil
	}
	c, err := s.find(name)
	if err != nil {
		return false, err
	}
	if c.args == "" && rest != "" {
		return false, mistake("%s takes nothing behind it", name)
	}
	return false, c.run(ctx, rest)
}

// dotted is a command's name, also where the three that people type bare have no dot.
func dotted(name string) string {
	name = strings.ToLower(name)
	if bareCommand(name) {
		return "." + name
	}
	return name
}

// bareCommand: what people type first in a shell they do not know.
func bareCommand(text string) bool {
	switch strings.ToLower(text) {
	case "help", "exit", "quit":
		return true
	}
	return false
}

func (s *Shell) find(name string) (command, error) {
	if i := slices.IndexFunc(s.commands, func(c command) bool { return c.name == name }); i >= 0 {
		return s.commands[i], nil
	}
	names := []string{".quit"}
	for _, c := range s.commands {
		names = append(names, c.name)
	}
	if near := nearest(name, names); near != "" {
		return command{}, mistake("there is no command %s; did you mean %s? .help lists them", name, near)
	}
	return command{}, mistake("there is no command %s; .help lists them", name)
}

const helpOfStatements = `SELECT …;                       SQL, over as many lines as it takes
GET KEY…                        the values of keys
SCAN [START [END]] [LIMIT N]    the keys of a range
PUT KEY VALUE     DEL KEY…      after .write on; BEGIN; … COMMIT; makes several one transaction
                                keys and values are bare, 'as they stand', or "with \n escapes"
`

func (s *Shell) help(_ context.Context, name string) error {
	if name != "" {
		if name = dotted(name); !strings.HasPrefix(name, ".") {
			name = "." + name
		}
		c, err := s.find(name)
		if err != nil {
			return err
		}
		s.helpLine(s.cfg.Say, c)
		return nil
	}
	fmt.Fprint(s.cfg.Say, helpOfStatements)
	for _, c := range s.commands {
		s.helpLine(s.cfg.Say, c)
	}
	return nil
}

func (s *Shell) helpLine(w io.Writer, c command) {
	usage := strings.TrimSpace(c.name + " " + c.args)
	fmt.Fprintf(w, "%-31s %s\n", usage, c.doc)
}

// nearest is the name that takes the fewest changes to get to, if they are few.
func nearest(name string, names []string) string {
	best, distance := "", 3
	for _, n := range names {
		if d := changes(name, n); d < distance {
			best, distance = n, d
		}
	}
	return best
}

// changes counts the letters to put in, leave out or replace on the way from a to b, and the
// neighbours to swap.
func changes(a, b string) int {
	before, last, this := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		this[0] = i + 1
		for j := range len(b) {
			replaced := last[j]
			if a[i] != b[j] {
				replaced++
			}
			this[j+1] = min(replaced, last[j+1]+1, this[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				this[j+1] = min(this[j+1], before[j-1]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}
