package shard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// serveSplit proposes a split. Asked again after it was done, it answers the same.
func (r *Replica) serveSplit(t *task, a *routing.SplitArgs) {
	for _, right := range r.splitOff {
		if right.ID == a.Right && right.Span.Start == a.Key {
			r.finish(t, &routing.SplitResult{Left: r.Descriptor(), Right: right}, nil)
			return
		}
	}
	if err := r.splittable(a); err != nil {
		r.finish(t, nil, err)
		return
	}
	cmd := &splitCommand{Key: a.Key, Right: a.Right, Replicas: slices.Clone(a.Replicas), Proposer: r.me}
	res := &routing.SplitResult{}
	p := &proposed{proposal: proposal{Split: cmd}, t: t, res: res}
	p.after = func() {
		res.Left = r.Descriptor()
		for _, right := range r.splitOff {
			if right.ID == a.Right {
				res.Right = right
			}
		}
	}
	// An entry of its own: what was evaluated before it goes first, under the old bounds.
	r.proposeBatch()
	r.propose(p)
	r.proposeBatch()
}

func (r *Replica) splittable(a *routing.SplitArgs) error {
	invalid := func(what string) error {
		return &mvcc.InvalidError{Reason: "SPLIT", Key: a.Key, What: what, Hint: "look the shard up again"}
	}
	switch {
	case !r.desc.Span.Contains(a.Key):
		return &routing.EpochMismatchError{Shard: r.shard, Current: r.known()}
	case a.Key == r.desc.Span.Start:
		return invalid("a shard begins at this key already")
	case a.Right == 0 || a.Right == r.shard:
		return invalid("the right part needs an id of its own")
	case len(a.Replicas) != len(r.desc.Replicas) || slices.Contains(a.Replicas, 0):
		return invalid(fmt.Sprintf("the right part needs %d replica ids", len(r.desc.Replicas)))
	case r.shard == routing.SystemShard:
		return invalid("the system group is not split")
	case len(r.flush.splits) > 0:
		return &routing.UnavailableError{Shard: r.shard, Why: "another split is under way"}
	}
	return nil
}

// applySplit changes the bounds. The right part's store is made from the state just before:
// that is a flush barrier, and nothing else is flushed until the host has answered.
func (r *Replica) applySplit(index mvcc.Index, term uint64, cmd *splitCommand) error {
	switch {
	case !r.desc.Span.Contains(cmd.Key) || cmd.Key == r.desc.Span.Start:
		return fmt.Errorf("a split at %s does not lie within %s", mvcc.FormatKey(cmd.Key), r.desc)
	case len(cmd.Replicas) != len(r.desc.Replicas):
		return fmt.Errorf("a split names %d replicas of %d", len(cmd.Replicas), len(r.desc.Replicas))
	}
	right := routing.Descriptor{ID: cmd.Right, Span: mvcc.Span{Start: cmd.Key, End: r.desc.Span.End},
		Epoch: routing.Epoch{Bounds: r.desc.Epoch.Bounds + 1, Members: r.desc.Epoch.Members}}
	sp := &Split{Proposer: 0}
	for i, rep := range r.desc.Replicas {
		right.Replicas = append(right.Replicas, routing.Replica{ID: cmd.Replicas[i], Node: rep.Node, Role: rep.Role})
		if rep.ID == cmd.Proposer {
			sp.Proposer = cmd.Replicas[i]
		}
	}
	// The right part may be led at once where this replica still leads the left in the term
	// of the entry: then no other lease over these keys can exist (S12).
	sp.Campaign = cmd.Proposer == r.me && r.leading && r.term == term
	before := r.closeGeneration()
	sp.Before = &Flush{Generation: before.number, Batch: before.batch()}
	r.shrink(right)
	// What was evaluated in this turn, under the old bounds, and not proposed yet must not
	// become an entry of the new ones: it goes round again (P16).
	evaluated := r.batch
	r.batch = nil
	r.settle(&inflightEntry{items: evaluated}, true)
	sp.Left, sp.Right, sp.Image = r.Descriptor(), right, append(Bootstrap(right), r.committedRow())
	r.applied, r.appliedTerm = index, term
	after := r.closeGeneration()
	sp.After = &Flush{Generation: after.number, Batch: after.batch(), Durable: true}
	r.flush.splits = append(r.flush.splits, sp)
	r.out.Split = append(r.out.Split, sp)
	r.out.Changed = true
	return nil
}

// shrink gives up the right part: its locks go, its rows stay behind unseen, and everybody
// who waits starts over, to be told the new route.
func (r *Replica) shrink(right routing.Descriptor) {
	r.desc.Span.End = right.Span.Start
	r.desc.Epoch.Bounds++
	r.splitOff = append(slices.Clone(r.splitOff), right)
	if n := len(r.splitOff); n > splitOffMost {
		r.splitOff = r.splitOff[n-splitOffMost:]
	}
	var gone []mvcc.Lock
	r.locks.standing.Ascend(right.Span.Start, func(_ mvcc.Key, l mvcc.Lock) bool {
		gone = append(gone, l)
		return true
	})
	for _, l := range gone {
		r.locks.standing.Delete(l.Key)
		r.filling.dropLock(l)
	}
	r.filling.meta = append(metaRows(r.desc), mvcc.MetaRow{Name: metaSplitOff, Value: formatSplitOff(r.splitOff)})
	for k, q := range r.queues {
		if right.Span.Contains(k) {
			r.scatter(k, q)
		}
	}
	slices.SortFunc(r.woken, func(a, b *task) int { return int(int64(a.req.ID) - int64(b.req.ID)) })
}

// splitMade hears that the right part stands and the left's new bounds are durable.
func (r *Replica) splitMade(sp *Split) {
	if len(r.flush.splits) == 0 || r.flush.splits[0] != sp {
		return // of a store that is no longer
	}
	r.flush.splits = r.flush.splits[1:]
	r.dropGenerations(sp.After.Generation)
	r.flush.durable = max(r.flush.durable, sp.After.Batch.Index)
	r.flush.cutAt = r.now.Mono
	r.cutLog()
	r.afterFlush()
}

// splitOffMost is how many right parts a left part remembers.
const splitOffMost = 16

// formatSplitOff writes descriptors as one line each: id, bounds epoch, members epoch, start
// and end quoted, replicas.
func formatSplitOff(ds []routing.Descriptor) []byte {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%d %d %d %s %s", d.ID, d.Epoch.Bounds, d.Epoch.Members,
			strconv.QuoteToASCII(string(d.Span.Start)), strconv.QuoteToASCII(string(d.Span.End)))
		for _, rep := range d.Replicas {
			fmt.Fprintf(&b, " %d:%d:%d", rep.ID, rep.Node, rep.Role)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// readSplitOff reads what formatSplitOff wrote. It is a help for those who come by an old
// route, so a line that cannot be read is left out.
func readSplitOff(meta []mvcc.MetaRow) []routing.Descriptor {
	var out []routing.Descriptor
	for _, row := range meta {
		if row.Name != metaSplitOff {
			continue
		}
		for line := range strings.Lines(string(row.Value)) {
			var d routing.Descriptor
			var start, end string
			if n, _ := fmt.Sscanf(line, "%d %d %d %q %q", &d.ID, &d.Epoch.Bounds, &d.Epoch.Members, &start, &end); n != 5 {
				continue
			}
			d.Span = mvcc.Span{Start: mvcc.Key(start), End: mvcc.Key(end)}
			at := strings.LastIndexByte(line, '"')
			reps, err := parseReplicas(line[at+1:])
			if err != nil {
				continue
			}
			d.Replicas = reps
			out = append(out, d)
		}
	}
	return out
}
