package server

import (
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the server's own. Labels have few values: procedures and codes.
type metrics struct {
	registry *prometheus.Registry
	unary    *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	underWay prometheus.Gauge
	streams  prometheus.Gauge
	frames   prometheus.Counter
	calls    prometheus.Counter
	refused  prometheus.Counter
}

func newMetrics(more []prometheus.Collector) (*metrics, error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		unary: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "shale_rpc_total",
			Help: "RPCs answered, and streams ended."}, []string{"procedure", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "shale_rpc_seconds",
			Help: "How long RPCs took.", Buckets: prometheus.ExponentialBuckets(100e-6, 2, 18)}, []string{"procedure"}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "shale_rpc_under_way",
			Help: "Unary RPCs under way."}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "shale_call_streams",
			Help: "Multiplexed streams that are open."}),
		frames: prometheus.NewCounter(prometheus.CounterOpts{Name: "shale_call_frames_total",
			Help: "Frames received on multiplexed streams."}),
		calls: prometheus.NewCounter(prometheus.CounterOpts{Name: "shale_calls_total",
			Help: "Calls received on multiplexed streams."}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "shale_rpc_refused_total",
			Help: "Calls refused because a bound was reached."}),
	}
	all := []prometheus.Collector{m.unary, m.latency, m.underWay, m.streams, m.frames, m.calls, m.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	for _, c := range append(all, more...) {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// call counts one RPC.
func (m *metrics) call(procedure string, err error, took time.Duration) {
	code := "ok"
	if err != nil {
		code = connect.CodeOf(err).String()
	}
	m.unary.WithLabelValues(procedure, code).Inc()
	m.latency.WithLabelValues(procedure).Observe(took.Seconds())
}
