package host

import (
	"context"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
)

// idleMax is how long the loop sleeps at most where no replica asks to be woken.
const idleMax = time.Second

// loop runs all replicas: take what waits, step it, end the turn of whoever was stepped,
// carry out what they ask for. It ends with the host.
func (h *Host) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for h.ctx.Err() == nil {
		timer.Reset(h.sleep())
		select {
		case <-h.inbox.notify:
		case <-timer.C:
		case <-h.ctx.Done():
		}
		h.turn()
	}
	for _, s := range h.slots {
		for id, w := range s.pending {
			delete(s.pending, id)
			w.done(nil, &routing.UnavailableError{Why: errStopped.Why, Maybe: true})
		}
	}
	for _, it := range h.inbox.take() {
		if it.done != nil {
			it.done(nil, errStopped)
		}
	}
}

func (h *Host) sleep() time.Duration {
	next := idleMax
	now := h.mono()
	for _, s := range h.slots {
		if s.bad == nil && s.wake-now < next {
			next = s.wake - now
		}
	}
	return max(next, 0)
}

func (h *Host) turn() {
	items := h.inbox.take()
	h.metrics.Turns.Add(1)
	h.metrics.Events.Add(uint64(len(items)))
	now := h.instant()
	h.turnAt = now.Mono
	for i := range items {
		h.handle(now, &items[i])
	}
	for _, s := range h.slots {
		if s.bad == nil && s.wake <= now.Mono {
			s.replica.Step(now, shard.Tick{}, &s.out)
			h.mark(s)
		}
	}
	dirty := h.dirty
	for _, s := range dirty {
		if s.bad == nil {
			s.replica.Turn(now, &s.out)
		}
	}
	h.dirty = h.dirty[:0]
	for _, s := range dirty {
		s.dirty = false
		if s.bad == nil {
			h.carryOut(s)
		}
	}
	if len(dirty) > 0 {
		h.metrics.Turn.Observe(h.mono() - now.Mono)
	}
}

func (h *Host) handle(now shard.Instant, it *item) {
	if it.run != nil {
		it.run()
		return
	}
	s := h.slots[it.group]
	if it.slot != nil && it.slot != s {
		return // of a replica that is no longer
	}
	if s == nil || s.bad != nil {
		refuse(it, s)
		return
	}
	switch ev := it.event.(type) {
	case shard.Request:
		s.pending[ev.ID] = waiting{done: it.done, req: ev.Req, trace: ev.Header.Trace, came: ev.Came, stepped: now.Mono}
	case shard.Cancel:
		delete(s.pending, ev.ID)
	case shard.Installed:
		s.installing = false
		h.metrics.SnapsTaken.Add(1)
		s.keeper.put(s.keeper.declareOwn)
		held := s.held
		s.held = nil
		defer func() {
			for _, w := range held {
				h.append(s, w)
			}
			s.learnNodes()
		}()
	case shard.Drawn:
		s.drawing = false
	case shard.Flushed:
		s.flushing = 0
	}
	s.replica.Step(now, it.event, &s.out)
	h.mark(s)
}

// refuse answers a request for which this node has no working replica.
func refuse(it *item, s *slot) {
	if it.done == nil {
		return
	}
	req, ok := it.event.(shard.Request)
	switch {
	case s == nil:
		it.done(nil, &routing.UnknownShardError{Shard: it.group})
	case ok && isStatus(req.Req):
		it.done(&routing.StatusResult{Descriptor: routing.Descriptor{ID: it.group}, Quarantine: s.bad.Error()}, nil)
	default:
		it.done(nil, &routing.UnavailableError{Shard: it.group, Why: quarantined(s.bad)})
	}
}

func isStatus(r routing.Request) bool {
	_, ok := r.(*routing.StatusArgs)
	return ok
}

// carryOut does what the replica asked for in its turn. Messages go first: a leader's
// entries travel while its own sync is under way.
func (h *Host) carryOut(s *slot) {
	out := s.out
	s.out = shard.Effects{Append: out.Append[:0:0], Reply: out.Reply[:0:0]}
	s.wake = out.Wake
	h.metrics.count(&out.Counts)
	if out.Quarantined != nil {
		h.quarantine(s, out.Quarantined)
		return
	}
	h.send(s, out.Send)
	for _, w := range out.Append {
		h.append(s, w)
	}
	if out.Cut > 0 && !s.installing {
		h.log.put(logJob{slot: s, cut: &raftlog.Position{Index: out.Cut, Term: out.CutTerm}})
	}
	for i := range out.Reply {
		r := &out.Reply[i]
		if w, ok := s.pending[r.ID]; ok {
			delete(s.pending, r.ID)
			if st, ok := r.Res.(*routing.StatusResult); ok {
				st.SizeBytes = h.sizeOf(s.id)
			}
			w.done(r.Res, r.Err)
			h.answered(s, &w, &r.Spent, PhaseApply, h.turnAt, r.Err)
		}
	}
	h.carryOutFiles(s, &out)
	if out.Draw && !s.drawing {
		s.drawing = true
		go h.draw(s)
	}
	if len(out.Resolve) > 0 {
		h.ports.Resolve(out.Resolve)
	}
	if len(out.Waits) > 0 && h.ports.Waits != nil {
		h.ports.Waits(out.Waits)
	}
	if out.Changed {
		s.learnNodes()
		h.ports.Changed(s.id)
	}
}

// carryOutFiles hands on what concerns the replica's file.
func (h *Host) carryOutFiles(s *slot, out *shard.Effects) {
	for _, r := range out.Read {
		w, ok := s.pending[r.Request.ID]
		if !ok {
			continue
		}
		delete(s.pending, r.Request.ID)
		h.readers.put(readJob{slot: s, read: r, caller: w, since: h.turnAt})
	}
	for _, l := range out.Lookup {
		h.readers.put(readJob{slot: s, lookup: &l})
	}
	if s.installing {
		return // the file these are meant for is being replaced
	}
	for i := range out.Flush {
		if s.flushing == 0 {
			s.flushing = h.turnAt
		}
		s.keeper.put(func() { s.keeper.flush(out.Flush[i]) })
	}
	for _, sp := range out.Split {
		s.keeper.put(func() { s.keeper.split(sp) })
	}
	for _, m := range out.Snapshot {
		to, ok := s.nodes[routing.ReplicaID(m.GetTo())]
		if !ok {
			h.inbox.put(item{group: s.id, slot: s, event: shard.SnapshotSent{
				To: routing.ReplicaID(m.GetTo()), Err: errNoAddress}})
			continue
		}
		h.tasks.Go(func() { s.keeper.sendSnapshot(to, m) })
	}
}

// append queues a write for the log; one that carries a raft snapshot puts its file in place
// first, and what comes after it waits for that.
func (h *Host) append(s *slot, w shard.LogWrite) {
	if w.HardState != nil {
		s.lastHardState = w.HardState
	}
	switch {
	case s.installing:
		s.held = append(s.held, w)
	case w.Snapshot != nil:
		s.installing = true
		dir, ok := h.received.take(s.id, w.Snapshot.GetMetadata())
		if !ok {
			h.quarantine(s, errNoFile)
			return
		}
		s.keeper.put(func() { s.keeper.install(w, dir) })
	default:
		h.log.put(logJob{slot: s, write: w})
	}
}

// send groups the messages by node.
func (h *Host) send(s *slot, msgs []*raftpb.Message) {
	for len(msgs) > 0 {
		to := s.nodes[routing.ReplicaID(msgs[0].GetTo())]
		n := 1
		for n < len(msgs) && s.nodes[routing.ReplicaID(msgs[n].GetTo())] == to {
			n++
		}
		if to != 0 {
			h.ports.Transport.Send(to, s.id, msgs[:n:n])
		}
		msgs = msgs[n:]
	}
}

// drawPause is between two attempts to draw a timestamp.
const drawPause = 20 * time.Millisecond

func (h *Host) draw(s *slot) {
	ctx, cancel := context.WithTimeout(h.ctx, 3*time.Second)
	defer cancel()
	ts, err := h.ports.Timestamps(ctx)
	if err != nil {
		select {
		case <-time.After(drawPause):
		case <-h.ctx.Done():
		}
	}
	h.inbox.put(item{group: s.id, slot: s, event: shard.Drawn{TS: ts, Err: err}})
}

// fatal ends everything: what the log did not take was never promised.
func (h *Host) fatal(err error) {
	h.stopped.Store(true)
	h.cancel()
	h.inbox.wake()
	h.ports.Fatal(err)
}
