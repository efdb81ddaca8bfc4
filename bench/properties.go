package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// Properties are a workload's settings, by YCSB's names where YCSB has one.
type Properties map[string]string

// LoadProperties reads a property file (-P FILE). Where there is no such file but its name
// is that of one of YCSB's six, workloada to workloadf, it is that preset.
func LoadProperties(path string) (Properties, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if name, ok := strings.CutPrefix(filepath.Base(path), "workload"); ok && len(name) == 1 {
			return Preset(name)
		}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseProperties(f, path)
}

// parseProperties reads name=value lines; # and ! begin comments.
func parseProperties(r io.Reader, name string) (Properties, error) {
	p := Properties{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		if err := p.Set(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return p, lines.Err()
}

// Set takes one name=value (-p name=value).
func (p Properties) Set(assignment string) error {
	name, value, ok := strings.Cut(assignment, "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" {
		return &mvcc.InvalidError{Reason: "PROPERTY", What: fmt.Sprintf("%q is no property", assignment),
			Hint: "write name=value"}
	}
	p[name] = strings.TrimSpace(value)
	return nil
}

// Merge is p with the properties of over on top.
func (p Properties) Merge(over Properties) Properties {
	out := maps.Clone(p)
	if out == nil {
		out = Properties{}
	}
	maps.Copy(out, over)
	return out
}

// Options takes the run's settings out of the properties that YCSB keeps there: threadcount,
// target, operationcount, maxexecutiontime (seconds). Settings that o has already win.
func (p Properties) Options(o Options) (Options, error) {
	r := newPropertyReader(p)
	if threads := r.integer("threadcount", 0); o.Threads == 0 {
		o.Threads = int(threads)
	}
	if target := r.number("target", 0); o.Target == 0 {
		o.Target = target
	}
	operations, seconds := r.integer("operationcount", 0), r.integer("maxexecutiontime", 0)
	if o.Operations == 0 && o.Duration == 0 {
		o.Operations, o.Duration = operations, secondsOf(seconds)
	}
	return o, r.err
}

// propertyReader hands properties out, remembers who was asked for, and the first error.
type propertyReader struct {
	p     Properties
	asked map[string]bool
	err   error
}

func newPropertyReader(p Properties) *propertyReader {
	// The run's own, and what YCSB's files say about things that have no meaning here.
	asked := map[string]bool{}
	for _, name := range []string{"threadcount", "target", "operationcount", "maxexecutiontime",
		"workload", "table", "readallfields", "writeallfields", "insertcount"} {
		asked[name] = true
	}
	return &propertyReader{p: p, asked: asked}
}

func (r *propertyReader) text(name, def string) string {
	r.asked[name] = true
	if v, ok := r.p[name]; ok {
		return v
	}
	return def
}

func (r *propertyReader) integer(name string, def int64) int64 {
	text := r.text(name, strconv.FormatInt(def, 10))
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		r.fail(name, text, "a whole number, zero or more")
	}
	return n
}

func (r *propertyReader) number(name string, def float64) float64 {
	text := r.text(name, strconv.FormatFloat(def, 'g', -1, 64))
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0) {
		r.fail(name, text, "a number, zero or more")
	}
	return n
}

// choice is one of the values, the first by default.
func (r *propertyReader) choice(name string, values ...string) string {
	v := r.text(name, values[0])
	if !slices.Contains(values, v) {
		r.fail(name, v, "one of "+strings.Join(values, ", "))
	}
	return v
}

func (r *propertyReader) fail(name, value, want string) {
	if r.err == nil {
		r.err = &mvcc.InvalidError{Reason: "PROPERTY", What: fmt.Sprintf("property %s=%s", name, value), Hint: "it is " + want}
	}
}

// finish is the first error, or the properties that nobody asked for: a misspelt name must
// not measure something else in silence.
func (r *propertyReader) finish() error {
	if r.err != nil {
		return r.err
	}
	for _, name := range slices.Sorted(maps.Keys(r.p)) {
		if !r.asked[name] {
			return &mvcc.InvalidError{Reason: "PROPERTY", What: fmt.Sprintf("this workload has no property %s", name),
				Hint: fmt.Sprintf("it has %s", strings.Join(slices.Sorted(maps.Keys(r.asked)), ", "))}
		}
	}
	return nil
}
