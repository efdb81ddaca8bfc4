package isolation

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"
)

// matrix is what was seen: scenario × mode × placement.
type matrix struct {
	mu    sync.Mutex
	names []string
	cells map[string]*[modes][placements]string
}

func (m *matrix) set(name string, l *lane, seen bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cells[name] == nil {
		m.names = append(m.names, name)
		m.cells[name] = &[modes][placements]string{}
	}
	m.cells[name][l.mode][l.place] = map[bool]string{false: "-", true: "SEEN"}[seen]
}

func (m *matrix) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "anomaly seen?\toptimistic\t\t\tpessimistic\t\t\tserializable\t\t\t\nscenario")
	for range modes {
		for p := range placements {
			fmt.Fprintf(w, "\t%s", p)
		}
	}
	fmt.Fprintln(w)
	for _, name := range m.names {
		fmt.Fprint(w, name)
		for _, places := range m.cells[name] {
			for _, cell := range places {
				fmt.Fprintf(w, "\t%s", cell)
			}
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

// testScenarios plays each scenario in all lanes, side by side.
func testScenarios(t *testing.T, w *world) {
	scripts, err := readScripts("testdata")
	require.NoError(t, err)
	seen := &matrix{cells: map[string]*[modes][placements]string{}}
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			for _, l := range w.lanes {
				if s.splits() { // what is split stays split
					l = l.beside(t, s.name)
				}
				t.Run(l.String(), func(t *testing.T) {
					t.Parallel()
					happened := play(t, s, l)
					seen.set(s.name, l, happened)
					if happened != s.allowed[l.mode] {
						t.Errorf("the anomaly was seen: %t; allowed: %t", happened, s.allowed[l.mode])
					}
				})
			}
		})
	}
	t.Logf("\n%s", seen)
}
