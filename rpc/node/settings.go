package node

import (
	"context"
	"fmt"
	"strings"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/server"
	"github.com/shaledb/shale/shard/host"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/txn"
)

// configs is everything that a node was set to.
type configs struct {
	node   Config
	host   host.Config
	txn    txn.Config
	client client.Config
	server server.Config
}

// configured is what stands for a node's configuration, with the defaults of all parts.
func configured(c Config) *configs {
	out := &configs{node: c, host: c.Host.Filled(), txn: txn.Config{}.Filled(),
		client: client.Config{}.Filled(), server: server.Config{}.Bounds()}
	if out.host.RaftLog.SegmentSize == 0 {
		out.host.RaftLog.SegmentSize = raftlog.SegmentSizeDefault
	}
	return out
}

// setting is one of them.
type setting struct {
	name, doc string
	of        func(*configs) any
}

// Settings lists them all, each with its default.
func (n *Node) Settings(context.Context, *nodev1.SettingsRequest) (*nodev1.SettingsResponse, error) {
	res := &nodev1.SettingsResponse{Node: uint64(n.whoami().NodeID)}
	for _, f := range n.cfg.Flags {
		res.Settings = append(res.Settings, &nodev1.Setting{Name: f.Name, Value: f.Value, Default: f.Default, Doc: f.Doc})
	}
	set, defaults := configured(n.cfg), configured(Config{}.filled())
	for _, list := range [][]setting{nodeSettings(), hostSettings(), shardSettings(), txnSettings(), clientSettings(), serverSettings()} {
		for _, s := range list {
			res.Settings = append(res.Settings, &nodev1.Setting{Name: s.name, Doc: s.doc,
				Value: show(s.of(set)), Default: show(s.of(defaults))})
		}
	}
	return res, nil
}

func show(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v)
}

// Flag is a setting of the program around a node. Doc is a sentence.
type Flag struct{ Name, Value, Default, Doc string }

// nodeSettings are the flags of shale start.
func nodeSettings() []setting {
	return []setting{
		{"store", "The node's directory.", func(c *configs) any { return c.node.Dir }},
		{"listen", "The host:port of the one port.", func(c *configs) any { return c.node.Listen }},
		{"advertise", "The host:port by which others reach the node; empty: the one listened on.", func(c *configs) any { return c.node.Advertise }},
		{"join", "Where the node looks for its cluster.", func(c *configs) any { return c.node.Join }},
		{"insecure", "Whether the node serves without TLS and identities.", func(c *configs) any { return c.node.Insecure }},
		{"slow_transaction", "A Commit or a request that takes longer is logged and kept; negative: none is.", func(c *configs) any { return c.node.SlowTransaction }},
		{"trace_keys", "Whether traces name keys.", func(c *configs) any { return c.node.TraceKeys }},
	}
}

// hostSettings are of what all replicas of a node share.
func hostSettings() []setting {
	return []setting{
		{"host.readers", "Goroutines that read SQLite files.", func(c *configs) any { return c.host.Readers }},
		{"host.keepers", "Flushes that run at once.", func(c *configs) any { return c.host.Keepers }},
		{"host.values", "Bytes of large values kept in memory.", func(c *configs) any { return c.host.Values }},
		{"host.wal_max", "Bytes of SQLite's write-ahead log above which a flush is followed by a checkpoint.", func(c *configs) any { return c.host.WALMax }},
		{"log.segment_size", "Bytes of a segment of the Raft log.", func(c *configs) any { return c.host.RaftLog.SegmentSize }},
		{"log.buffered", "Whether the Raft log goes through the page cache although it need not.", func(c *configs) any { return c.host.RaftLog.Buffered }},
	}
}

// shardSettings are of each replica.
func shardSettings() []setting {
	return []setting{
		{"shard.tick", "A tick of Raft's clock.", func(c *configs) any { return c.host.Replica.Tick }},
		{"shard.election_ticks", "Ticks without a leader before an election.", func(c *configs) any { return c.host.Replica.ElectionTicks }},
		{"shard.heartbeat_ticks", "Ticks between a leader's heartbeats.", func(c *configs) any { return c.host.Replica.HeartbeatTicks }},
		{"shard.flush_every", "What was applied goes to the SQLite file after this at the latest.", func(c *configs) any { return c.host.Replica.FlushEvery }},
		{"shard.flush_rows", "Rows that bring a flush on early.", func(c *configs) any { return c.host.Replica.FlushRows }},
		{"shard.flush_bytes", "Bytes that bring a flush on early.", func(c *configs) any { return c.host.Replica.FlushBytes }},
		{"shard.overlay_bytes", "Twice the bytes not flushed above which writes are refused.", func(c *configs) any { return c.host.Replica.OverlayBytes }},
		{"shard.cut_bytes", "Bytes of log between two flushes that sync.", func(c *configs) any { return c.host.Replica.CutBytes }},
		{"shard.cut_every", "Time between two flushes that sync.", func(c *configs) any { return c.host.Replica.CutEvery }},
		{"shard.cache_bytes", "Bytes of newest versions kept for reads.", func(c *configs) any { return c.host.Replica.CacheBytes }},
		{"shard.recent_rows", "Late commits that a leader remembers, in each of two halves.", func(c *configs) any { return c.host.Replica.RecentRows }},
		{"shard.lock_patience", "How long a plain read waits for a lock before it resolves it.", func(c *configs) any { return c.host.Replica.LockPatience }},
		{"shard.wait_every", "How often waits for locks are told to the deadlock detector.", func(c *configs) any { return c.host.Replica.WaitEvery }},
		{"shard.queue_max", "Writers that may wait for one lock.", func(c *configs) any { return c.host.Replica.QueueMax }},
		{"shard.waiting_max", "Requests that may wait in one shard.", func(c *configs) any { return c.host.Replica.WaitingMax }},
		{"shard.sweep_every", "How often a leader looks for locks whose time is over.", func(c *configs) any { return c.host.Replica.SweepEvery }},
	}
}

// txnSettings are of the coordinator that serves TxnService.
func txnSettings() []setting {
	return []setting{
		{"txn.lock_ttl", "How long a lock lives without a heartbeat.", func(c *configs) any { return c.txn.LockTTL }},
		{"txn.patience", "After so long a call begins no new try.", func(c *configs) any { return c.txn.Patience }},
		{"txn.lock_wait", "How long a claim waits for locks of others.", func(c *configs) any { return c.txn.LockWait }},
		{"txn.behind", "Commits whose locks are being turned behind their callers' backs.", func(c *configs) any { return c.txn.Behind }},
	}
}

// clientSettings are of the node's way to other nodes.
func clientSettings() []setting {
	return []setting{
		{"client.call_timeout", "Of calls to shards that name none.", func(c *configs) any { return c.client.CallTimeout }},
		{"client.dial_timeout", "Until a connection stands.", func(c *configs) any { return c.client.DialTimeout }},
		{"client.ping_every", "A silent connection is asked after this.", func(c *configs) any { return c.client.PingEvery }},
		{"client.ping_timeout", "And given up after this.", func(c *configs) any { return c.client.PingTimeout }},
		{"client.pause_min", "The circuit breaker's first pause after a failure.", func(c *configs) any { return c.client.PauseMin }},
		{"client.pause_max", "It doubles up to this.", func(c *configs) any { return c.client.PauseMax }},
		{"client.calls_max", "Calls under way to one node.", func(c *configs) any { return c.client.CallsMax }},
		{"client.queue_max", "Bytes queued for one node.", func(c *configs) any { return c.client.QueueMax }},
		{"client.frame_max", "Bytes after which a frame is closed.", func(c *configs) any { return c.client.FrameMax }},
		{"client.snapshot_rate", "Bytes a second of one raft snapshot.", func(c *configs) any { return c.client.SnapshotRate }},
	}
}

// serverSettings are of the one port.
func serverSettings() []setting {
	return []setting{
		{"server.unary_timeout", "Of calls without a deadline of their own.", func(c *configs) any { return c.server.UnaryTimeout }},
		{"server.body_timeout", "For a request's body to come in.", func(c *configs) any { return c.server.BodyTimeout }},
		{"server.header_timeout", "For a request's headers to come in.", func(c *configs) any { return c.server.HeaderTimeout }},
		{"server.idle_timeout", "Of connections without a call.", func(c *configs) any { return c.server.IdleTimeout }},
		{"server.header_max", "Bytes of a request's headers.", func(c *configs) any { return c.server.HeaderMax }},
		{"server.public_max", "Bytes of a public request.", func(c *configs) any { return c.server.PublicMax }},
		{"server.unary_max", "Unary calls at once.", func(c *configs) any { return c.server.UnaryMax }},
		{"server.large_max", "Of them, those above 1 MiB.", func(c *configs) any { return c.server.LargeMax }},
		{"server.streams_max", "Streams and calls of one connection.", func(c *configs) any { return c.server.StreamsMax }},
		{"server.calls_max", "Calls under way on one stream.", func(c *configs) any { return c.server.CallsMax }},
		{"server.reply_bytes_max", "Bytes of replies that wait on one stream.", func(c *configs) any { return c.server.ReplyBytesMax }},
		{"server.receptions_max", "Raft snapshots received at once.", func(c *configs) any { return c.server.ReceptionsMax }},
		{"server.reception_pause", "For a lost sender of a raft snapshot to come back.", func(c *configs) any { return c.server.ReceptionPause }},
	}
}
