package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/shaledb/shale/bench/bytime"
	"github.com/shaledb/shale/bench/elle"
	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/bench/register"
	"github.com/shaledb/shale/mvcc"
)

// The kinds of histories that a file may hold.
const (
	kindOfLists     = "append"
	kindOfRegisters = "registers"
)

// notebook is where a workload writes its history down as it goes, and the clock of that
// history. Where nobody named a file it is a temporary one, kept only if something is wrong.
type notebook struct {
	path      string
	temporary string // the folder to remove
	begun     time.Time
	out       *history.Writer
}

func openNotebook(path string, h history.Header) (notebook, error) {
	n := notebook{path: path, begun: time.Now()}
	if path == "" {
		dir, err := os.MkdirTemp("", "shale-history-")
		if err != nil {
			return n, err
		}
		n.temporary, n.path = dir, filepath.Join(dir, "history.jsonl")
	}
	var err error
	n.out, err = history.Create(n.path, h)
	return n, err
}

// now is the time since the history began: one monotonic clock for all of its clients.
func (n *notebook) now() time.Duration { return time.Since(n.begun) }

func (n *notebook) write(record any) error { return n.out.Write(record) }

func (n *notebook) flush() error { return n.out.Flush() }

// verdict tells where the history is; what was broken keeps a temporary one.
func (n *notebook) verdict(findings []string, err error) ([]string, error) {
	if isA[*BrokenError](err) {
		n.temporary = ""
	}
	if n.temporary == "" {
		findings = append(findings, "the history is in "+n.path)
	}
	return findings, err
}

// Close ends the file, and removes it where nobody asked for it.
func (n *notebook) Close() error {
	err := n.out.Close()
	if n.temporary != "" {
		return errors.Join(err, os.RemoveAll(n.temporary))
	}
	return err
}

// registerPatience bounds the search over all registers of a history.
const registerPatience = 10 * time.Minute

// CheckHistory judges a history that a workload has written down, at a level; an empty one is
// that which the workload was asked for. A broken promise is a *BrokenError, and then the
// findings have each anomaly with all who took part in it.
func CheckHistory(path string, level history.Level) ([]string, error) {
	var h history.Header
	stop := errors.New("enough")
	err := history.Records(path, func(got history.Header) error { h = got; return stop }, nil)
	if !errors.Is(err, stop) {
		return nil, err
	}
	if level == "" {
		level = h.Check
	}
	switch h.Kind {
	case kindOfLists:
		return checkLists(path, level)
	case kindOfRegisters:
		return checkRegisters(path)
	}
	return nil, &mvcc.InvalidError{Reason: "HISTORY", What: fmt.Sprintf("nobody can check a history of kind %q", h.Kind),
		Hint: "name a file that this version has written"}
}

func checkLists(path string, level history.Level) ([]string, error) {
	begun := time.Now()
	_, txns, err := history.Load(path)
	if err != nil {
		return nil, err
	}
	if level, err = history.ParseLevel(string(level)); err != nil {
		return nil, err
	}
	loaded := time.Since(begun)
	begun = time.Now()
	lists := elle.Check(txns, level)
	inferred := time.Since(begun)
	begun = time.Now()
	stamps := bytime.Check(txns, level)
	findings := []string{lists.Summary(), stamps.Summary(),
		fmt.Sprintf("checked in %s (and read in %s): %s by order, %s by timestamps", rounded(inferred+time.Since(begun)),
			rounded(loaded), rounded(inferred), rounded(time.Since(begun)))}
	lists.Join(&stamps.Findings)
	return judged(findings, &lists.Findings)
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func checkRegisters(path string) ([]string, error) {
	_, ops, err := register.Load(path)
	if err != nil {
		return nil, err
	}
	r := register.Check(ops, registerPatience)
	return judged([]string{r.Summary()}, &r.Findings)
}

// judged is the verdict. Of each kind of anomaly a few are told in full.
func judged(findings []string, found *history.Findings) ([]string, error) {
	if found.OK() {
		return findings, nil
	}
	for _, a := range found.Anomalies {
		findings = append(findings, a.String())
	}
	return findings, brokenf("the history has anomalies: %s", found.Counts())
}
