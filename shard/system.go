package shard

import (
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// directoryLatch is the key under which all writes to the system group's own state queue.
const directoryLatch mvcc.Key = "\x00\x00directory"

type systemLeader struct{}

func (r *Replica) loadSystem([]mvcc.SystemRow) error { return nil }

func (r *Replica) applySystem([]mvcc.SystemRow) error { return nil }

func (r *Replica) takesSystem(routing.Request) bool { return false }

func (r *Replica) isSystemRequest(t *task) bool { return false }

func (r *Replica) serveSystem(t *task) {}

func (r *Replica) leadSystem() {}

func (r *Replica) tickSystem() {}

func (r *Replica) askDraw() { r.out.Draw = true }
