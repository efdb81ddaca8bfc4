package shardtest

import (
	"time"

	"github.com/shaledb/shale/shard"
)

// cmdCluster: cluster nodes=3 [flush-every=1h] [cut-every=1h] [queue=N] [system] [strangers] begins a
// script. With system there is a system group, shard 1, beside shard 2; with strangers a
// replica that a node does not know yet is made when a message for it comes.
func (s *script) cmdCluster() string {
	cfg := shard.Config{}
	cfg.FlushEvery = s.duration("flush-every")
	cfg.CutEvery = s.duration("cut-every")
	cfg.QueueMax = s.number("queue", 0)
	s.c = New(s.t, s.number("nodes", 3), cfg)
	s.c.Strangers = s.has("strangers")
	if s.has("system") {
		s.c.AddSystemGroup()
	}
	return "made"
}

func (s *script) duration(name string) time.Duration {
	v := s.text(name, "")
	if v == "" {
		return 0
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		s.d.Fatalf(s.t, "%s=%s: %v", name, v, err)
	}
	return d
}
