package shell

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/shaledb/shale/cmd/shale/output"
)

// Config is what a shell needs.
type Config struct {
	Engine Engine
	In     io.Reader // of Run
	Out    io.Writer // what was asked for
	Say    io.Writer // everything else
	Format output.Format
	// Timeout bounds each statement; zero: nothing does.
	Timeout time.Duration
	// History is the file of what was typed at a terminal; empty: it is forgotten.
	History string
	// Describe puts an error into a line; nil: its own words.
	Describe func(error) string
	// Use answers what statements run on from now on; nil: .use is refused.
	Use func(ctx context.Context, t Target) (Engine, error)
	// Extra are commands beside the shell's own.
	Extra []Command
}

// Command is one that begins with a dot.
type Command struct {
	Name string // with the dot
	Args string // as .help shows them
	Doc  string // a line
	// Run gets the words behind the name; what was asked for goes to out.
	Run func(ctx context.Context, out io.Writer, args []string) error
}

// HistoryFile is where a person's statements are kept. Empty: there is no place for them.
func HistoryFile() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "shale", "history")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "shale", "history")
}
