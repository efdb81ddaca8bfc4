package shard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// The meta rows. Numbers are decimal text, so that a person reads them in the shell.
const (
	metaShard     = "shard"
	metaStart     = "start_key"
	metaEnd       = "end_key"
	metaBounds    = "bounds_epoch"
	metaMembers   = "members_epoch"
	metaReplicas  = "replicas" // id:node:role, separated by blanks
	metaSplitOff  = "split_off"
	metaSafepoint = "safepoint"
	metaCommitted = "committed" // the largest commit timestamp applied
)

// Bootstrap is the meta rows of a fresh replica's store, which stands at InitialIndex and
// InitialTerm.
func Bootstrap(d routing.Descriptor) []mvcc.MetaRow { return metaRows(d) }

func metaRows(d routing.Descriptor) []mvcc.MetaRow {
	number := func(n uint64) []byte { return strconv.AppendUint(nil, n, 10) }
	replicas := make([]string, 0, len(d.Replicas))
	for _, r := range d.Replicas {
		replicas = append(replicas, fmt.Sprintf("%d:%d:%d", r.ID, r.Node, r.Role))
	}
	return []mvcc.MetaRow{
		{Name: metaShard, Value: number(uint64(d.ID))},
		{Name: metaStart, Value: []byte(d.Span.Start)},
		{Name: metaEnd, Value: []byte(d.Span.End)},
		{Name: metaBounds, Value: number(uint64(d.Epoch.Bounds))},
		{Name: metaMembers, Value: number(uint64(d.Epoch.Members))},
		{Name: metaReplicas, Value: []byte(strings.Join(replicas, " "))},
	}
}

// ReadDescriptor reads a shard's descriptor from its meta rows.
func ReadDescriptor(id routing.ShardID, rows []mvcc.MetaRow) (routing.Descriptor, error) {
	d := routing.Descriptor{ID: id}
	var err error
	number := func(v []byte) uint64 {
		n, e := strconv.ParseUint(string(v), 10, 64)
		if e != nil && err == nil {
			err = fmt.Errorf("meta row holds %q where a number belongs", v)
		}
		return n
	}
	seen := 0
	for _, row := range rows {
		switch row.Name {
		case metaShard:
			if got := routing.ShardID(number(row.Value)); err == nil && got != id {
				return d, fmt.Errorf("the store is of shard %d, not of shard %d", got, id)
			}
		case metaStart:
			d.Span.Start = mvcc.Key(row.Value)
		case metaEnd:
			d.Span.End = mvcc.Key(row.Value)
		case metaBounds:
			d.Epoch.Bounds = routing.BoundsEpoch(number(row.Value))
		case metaMembers:
			d.Epoch.Members = routing.MembersEpoch(number(row.Value))
		case metaReplicas:
			if d.Replicas, err = parseReplicas(string(row.Value)); err != nil {
				return d, err
			}
		default:
			continue
		}
		seen++
	}
	if err == nil && seen != 6 {
		err = fmt.Errorf("the store of shard %d has %d of its 6 meta rows; "+
			"restore the file or rebuild the replica", id, seen)
	}
	return d, err
}

// committedRow is a row of every flush. A leader proves by it what cannot be in its store:
// a commit timestamp may lie above all that was issued when the leader drew its own (P4).
func (r *Replica) committedRow() mvcc.MetaRow {
	return mvcc.MetaRow{Name: metaCommitted, Value: strconv.AppendUint(nil, uint64(r.clock.committed), 10)}
}

func readCommitted(meta []mvcc.MetaRow) (timestamp.Timestamp, error) {
	for _, row := range meta {
		if row.Name == metaCommitted {
			n, err := strconv.ParseUint(string(row.Value), 10, 63)
			if err != nil {
				return 0, fmt.Errorf("meta row %s holds %q: %w", metaCommitted, row.Value, err)
			}
			return timestamp.Timestamp(n), nil
		}
	}
	return 0, nil
}

func parseReplicas(text string) ([]routing.Replica, error) {
	var out []routing.Replica
	for _, part := range strings.Fields(text) {
		var r routing.Replica
		if _, err := fmt.Sscanf(part, "%d:%d:%d", &r.ID, &r.Node, &r.Role); err != nil {
			return nil, fmt.Errorf("meta row %s holds %q: %w", metaReplicas, part, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func confState(d routing.Descriptor) *raftpb.ConfState {
	cs := &raftpb.ConfState{}
	for _, r := range d.Replicas {
		if r.Role == routing.Learner {
			cs.Learners = append(cs.Learners, uint64(r.ID))
		} else {
			cs.Voters = append(cs.Voters, uint64(r.ID))
		}
	}
	slices.Sort(cs.Voters)
	slices.Sort(cs.Learners)
	return cs
}
