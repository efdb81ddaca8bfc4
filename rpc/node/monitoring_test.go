package node

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The names that other programs than shale show.
var foreign = regexp.MustCompile(`^(up|process_\w+|go_\w+)$`) // constant

// named lists the metrics that an expression names. What is neither a function's name, nor a
// label's, nor in quotation marks is one.
func named(expr string) []string {
	expr = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, `""`)
	expr = regexp.MustCompile(`\b(by|without|on|ignoring)\s*\([^)]*\)`).ReplaceAllString(expr, "")
	expr = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]`).ReplaceAllString(expr, "")
	var out []string
	for _, m := range regexp.MustCompile(`([a-z_][a-z0-9_]*)(\s*\()?`).FindAllStringSubmatch(expr, -1) {
		if m[2] == "" && m[1] != "or" && m[1] != "and" && m[1] != "unless" {
			out = append(out, m[1])
		}
	}
	return out
}

func TestNamed(t *testing.T) {
	require.Equal(t, []string{"a_bucket", "b", "up"}, named(
		`histogram_quantile(0.99, sum by (le, x) (rate(a_bucket{k=~"$v"}[5m]))) > 2 * b or up{job="shale"} == 0`))
}

// exported is every series that a node shows, by its name.
func exported(t *testing.T) map[string]bool {
	c := newTrio(t, 1)
	c.put(0, "a", "1")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(c.metrics(0)))
	require.NoError(t, err)
	names := map[string]bool{}
	for name, f := range families {
		names[name] = true
		if f.GetType().String() == "HISTOGRAM" {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				names[name+part] = true
			}
		}
	}
	return names
}

// TestMonitoring: the dashboard and the alert rules can be read, and every metric that they
// name is one that a node shows.
func TestMonitoring(t *testing.T) {
	exprs := map[string]string{} // by where it stands
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	raw, err := os.ReadFile("monitoring/dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &dashboard))
	for _, p := range dashboard.Panels {
		require.True(t, p.Type == "row" || len(p.Targets) > 0, p.Title)
		for i, target := range p.Targets {
			exprs["panel "+p.Title+string(rune('A'+i))] = target.Expr
		}
	}
	for name, rule := range alerts(t) {
		exprs["alert "+name] = rule.Expr
	}
	names, used := exported(t), map[string]bool{}
	for _, at := range slices.Sorted(maps.Keys(exprs)) {
		found := named(exprs[at])
		require.NotEmpty(t, found, at)
		for _, name := range found {
			require.True(t, names[name] || foreign.MatchString(name), "%s names %s, which no node shows", at, name)
			used[name] = true
		}
	}
	require.Greater(t, len(used), 40)
}

type alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) map[string]alert {
	raw, err := os.ReadFile("monitoring/alerts.yaml")
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	require.NoError(t, yaml.Unmarshal(raw, &rules))
	all := map[string]alert{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			require.NotContains(t, all, r.Alert)
			all[r.Alert] = r
		}
	}
	return all
}

// TestAlertsSayWhatToDo: each has a severity, a summary and what to do.
func TestAlertsSayWhatToDo(t *testing.T) {
	all := alerts(t)
	for _, name := range []string{"NodeDown", "ShardWithoutLeader", "NoQuorum", "ReplicaQuarantined", "CommitsSlow", "LogSyncsSlow",
		"WALGrows", "DiskNearlyFull", "ClockJumped", "SnapshotLoop", "LockWaits"} {
		require.Contains(t, all, "Shale"+name)
	}
	for name, r := range all {
		require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], name)
		require.NotEmpty(t, r.Annotations["summary"], name)
		require.Greater(t, len(r.Annotations["what_to_do"]), 40, name)
	}
}
