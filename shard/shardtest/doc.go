// Package shardtest runs scripts over stepped replicas: a cluster of them in one goroutine,
// with stores and logs in memory, a network that the script holds in its hands, and a clock
// that moves when it says so.
//
// Its nouns:
//
//   - Cluster: replicas of any number of shards on some nodes, and the net between them;
//
//   - Member: one replica with its store and its part of the node's log: all host's duties,
//     done at once unless they are held;
//
//   - script: one file of ../testdata, named after the row that it closes;
//
//   - command: one line of it, each in a cmd_*.go.
//
//     script ──▶ Cluster ──▶ Member (replica, store, log) ──effects──▶ Cluster
//     ▲                                       │
//     └── messages, syncs, flushes, answers ──┘
//
// # A worked example
//
//	cluster nodes=3          three replicas of shard 2; "system" adds shard 1, the oracle
//	elect node=1             time passes until node 1 leads
//	hold MsgAppResp to=1     the quorum's answers stay on the way
//	put k=new start=500      waits: it is proposed and not committed
//	get k at=600 as=read     waits: the pending lock is visible
//	release MsgAppResp       and everything happens that needs no time
//	answer read              k=new
//
// What can be held: sync, flush, bounds (the last step of a split), draw, messages by type
// and direction; whole processes (pause, resume: what came meanwhile reaches them late).
// What can be broken: cut, heal, crash (loses what was not synced; "power" also what the
// store had not made durable), restart lose=log|tail|vote|commit, clock behind=10s. A message
// that was held is delivered in spite of a cut: it was on its way.
//
// # Chance
//
// TestRandom lets chance do all of that, and checks that single keys are linearizable
// (porcupine), that replicas which stood at the same index held the same, and that no
// replica stops. A failing seed is printed with the command that replays it.
//
// # What must hold
//
//   - The same script gives the same output, and the same seed the same run. Raft draws its
//     election timeouts from crypto/rand, so tests seed that, and scripts do not print what
//     depends on them.
//   - Nothing sleeps and nothing runs in a goroutine.
//
// It does not measure, has one client operation per request and knows no coordinator: whole
// transactions under chance are the simulator's work (bench/sim).
package shardtest
