package tables

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/shaledb/shale/cmd/shale/virtual"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// nodeColumn is the node whose word a row is.
func nodeColumn() virtual.Column {
	return virtual.Column{Name: "node", Type: "INTEGER", Doc: "whose word it is", Equal: true}
}

// perNode asks all nodes that the statement wants, or fails: a node left out silently would be
// a partial answer.
func (c *Cluster) perNode(ctx context.Context, q *virtual.Query, ask func(context.Context, *shalev1.Node) ([][]any, error)) iter.Seq2[[]any, error] {
	return gathered(func() ([][]any, error) {
		nodes, err := c.ops.listNodes(ctx)
		if err != nil {
			return nil, err
		}
		if v, has := q.Equal("node"); has {
			id, _ := tsOf(v)
			nodes = slices.DeleteFunc(nodes, func(n *shalev1.Node) bool { return n.Id != id })
		}
		rows := make([][][]any, len(nodes))
		err = eachNode(ctx, nodes, func(ctx context.Context, i int) (err error) {
			if !nodes[i].Alive {
				return errNodeAway
			}
			rows[i], err = ask(ctx, nodes[i])
			return err
		})
		return slices.Concat(rows...), err
	})
}

func (c *Cluster) settingsTable() *virtual.Table {
	return &virtual.Table{
		Name: "settings", Doc: "what each node was set to", Rows: 100,
		Columns: []virtual.Column{
			nodeColumn(), column("name", "TEXT", ""), column("value", "TEXT", ""), column("default_value", "TEXT", ""), column("doc", "TEXT", ""),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			return c.perNode(ctx, q, func(ctx context.Context, n *shalev1.Node) ([][]any, error) {
				res, err := c.ops.node(n.Address).Settings(ctx, &nodev1.SettingsRequest{})
				var rows [][]any
				for _, s := range res.GetSettings() {
					rows = append(rows, []any{int64(n.Id), s.Name, s.Value, s.Default, s.Doc})
				}
				return rows, err
			})
		},
	}
}

func (c *Cluster) metricsTable() *virtual.Table {
	return &virtual.Table{
		Name: "metrics", Doc: "what each node's /metrics says; a histogram's buckets are name_bucket with the label le", Rows: 5000,
		Columns: []virtual.Column{
			nodeColumn(), column("name", "TEXT", ""), column("labels", "TEXT", "a JSON object: labels ->> '$.code'"), column("value", "REAL", ""),
		},
		Scan: func(ctx context.Context, q *virtual.Query) iter.Seq2[[]any, error] {
			return c.perNode(ctx, q, func(ctx context.Context, n *shalev1.Node) ([][]any, error) {
				text, err := c.ops.metricsText(ctx, n.Address)
				if err != nil {
					return nil, err
				}
				return metricRows(int64(n.Id), text)
			})
		},
	}
}

// metricRows reads the Prometheus text format.
func metricRows(node int64, text string) ([][]any, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(families)) {
		for _, m := range families[name].GetMetric() {
			add := func(suffix string, value float64, more ...*dto.LabelPair) {
				rows = append(rows, []any{node, name + suffix, labelsText(append(slices.Clone(m.GetLabel()), more...)), value})
			}
			metricValues(m, add)
		}
	}
	return rows, nil
}

// metricValues names a metric's values as the text format does.
func metricValues(m *dto.Metric, add func(suffix string, value float64, more ...*dto.LabelPair)) {
	extra := func(name string, v float64) *dto.LabelPair {
		text := strconv.FormatFloat(v, 'g', -1, 64)
		return &dto.LabelPair{Name: &name, Value: &text}
	}
	switch {
	case m.Histogram != nil:
		for _, b := range m.Histogram.GetBucket() {
			add("_bucket", float64(b.GetCumulativeCount()), extra("le", b.GetUpperBound()))
		}
		add("_sum", m.Histogram.GetSampleSum())
		add("_count", float64(m.Histogram.GetSampleCount()))
	case m.Summary != nil:
		for _, q := range m.Summary.GetQuantile() {
			add("", q.GetValue(), extra("quantile", q.GetQuantile()))
		}
		add("_sum", m.Summary.GetSampleSum())
		add("_count", float64(m.Summary.GetSampleCount()))
	case m.Counter != nil:
		add("", m.Counter.GetValue())
	case m.Gauge != nil:
		add("", m.Gauge.GetValue())
	default:
		add("", m.GetUntyped().GetValue())
	}
}

// labelsText is a JSON object, in order of names.
func labelsText(labels []*dto.LabelPair) string {
	object := map[string]string{}
	for _, l := range labels {
		object[l.GetName()] = l.GetValue()
	}
	raw, _ := json.Marshal(object) // texts alone: it cannot fail; names come out sorted
	return string(raw)
}
