package sim

import (
	"context"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// Mutant is a bug planted at the windows: each makes a promise false, and the checkers must
// notice.
type Mutant string

// The mutants.
const (
	None                 Mutant = ""
	ResolverAborts       Mutant = "the resolver takes committed for aborted"
	NoCommitPoint        Mutant = "the primary's commit is never sent"
	SecondariesFirst     Mutant = "the other locks are turned before the primary"
	TimestampsStepBack   Mutant = "timestamps are kept for later"
	BlindRerun           Mutant = "an unknown transfer is run again"
	UnsyncedAcknowledged Mutant = "log writes are acknowledged before they are synced"
	RightMadeAnew        Mutant = "a replayed split makes the right part anew"
	StoppedClock         Mutant = "the clock of a node that is cut off stands still"
)

// Mutants are all of them.
func Mutants() []Mutant {
	return []Mutant{ResolverAborts, NoCommitPoint, SecondariesFirst, TimestampsStepBack, BlindRerun,
		UnsyncedAcknowledged, RightMadeAnew, StoppedClock}
}

// sender is the gateway's own, or one with a bug in it.
func (g *gateway) sender() txn.Sender {
	switch g.p.w.opt.Mutant {
	case ResolverAborts, NoCommitPoint, SecondariesFirst:
		return badSender{g}
	}
	return g
}

// timestamp gives one away that was drawn long before.
func (m Mutant) timestamp(g *gateway, ts timestamp.Timestamp) timestamp.Timestamp {
	if m != TimestampsStepBack || !g.p.w.chance(0.05) || g.old == 0 {
		g.old = ts
		return ts
	}
	return g.old
}

// prewritten is what a coordinator has laid in a shard.
type prewritten struct {
	to   routing.Descriptor
	args *mvcc.PrewriteArgs
}

// badSender changes calls, or their answers.
type badSender struct{ g *gateway }

func (b badSender) Send(ctx context.Context, calls []*routing.Call, enough func(*routing.Call) bool) {
	switch b.g.p.w.opt.Mutant {
	case NoCommitPoint:
		if c := calls[0]; len(calls) == 1 && primaryCommit(c) {
			c.Res, c.Err = &mvcc.CommitResult{CommitTS: c.Req.(*mvcc.CommitArgs).CommitTS}, nil
			return
		}
	case SecondariesFirst:
		b.secondaries(ctx, calls)
	}
	b.g.Send(ctx, calls, enough)
	for _, c := range calls {
		status, ok := c.Res.(*mvcc.TxnStatus)
		if _, asked := c.Req.(*mvcc.CheckTxnArgs); ok && asked && b.g.p.w.opt.Mutant == ResolverAborts {
			wrong := *status
			if wrong.Decision == mvcc.Committed {
				wrong.Decision, wrong.CommitTS = mvcc.Aborted, 0
			}
			c.Res = &wrong
		}
	}
}

// secondaries turns what is known to be laid elsewhere before the commit point.
func (b badSender) secondaries(ctx context.Context, calls []*routing.Call) {
	for _, c := range calls {
		if a, ok := c.Req.(*mvcc.PrewriteArgs); ok {
			b.g.kept[a.Start] = append(b.g.kept[a.Start], prewritten{c.To, a})
		}
	}
	if len(calls) != 1 || !primaryCommit(calls[0]) {
		return
	}
	a := calls[0].Req.(*mvcc.CommitArgs)
	var early []*routing.Call
	for _, laid := range b.g.kept[a.Start] {
		var keys []mvcc.Key
		for _, m := range laid.args.Mutations {
			if m.Key != a.Primary {
				keys = append(keys, m.Key)
			}
		}
		if len(keys) == len(laid.args.Mutations) {
			early = append(early, &routing.Call{To: laid.to, Req: &mvcc.CommitArgs{Start: a.Start,
				CommitTS: a.CommitTS, Primary: a.Primary, Keys: keys, Digest: a.Digest}})
		}
	}
	b.g.Send(ctx, early, nil)
}

func primaryCommit(c *routing.Call) bool {
	a, ok := c.Req.(*mvcc.CommitArgs)
	if !ok {
		return false
	}
	for _, k := range a.Keys {
		if k == a.Primary {
			return true
		}
	}
	return false
}
