package server

import (
	"context"
	"time"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// What is looked at, and shown, of one transaction.
const (
	shownMax     = 1000
	versionsTime = 3 * time.Second
)

// The words for what became of a transaction.
const (
	stateCommitted = "committed"
	stateAborted   = "aborted"
	stateFenced    = "fenced"
	statePending   = "pending"
	stateNone      = "none"
)

func stateOf(d mvcc.Decision) string {
	switch d {
	case mvcc.Committed:
		return stateCommitted
	case mvcc.Aborted:
		return stateAborted
	case mvcc.Fenced:
		return stateFenced
	}
	return statePending
}

// ShowTransaction finds what there is of one transaction: its locks and records, what its
// primary says, who waits. A commit in one phase leaves neither lock nor record: its versions
// are looked for, for a bounded time, where nothing else was found.
func (h clusters) ShowTransaction(ctx context.Context, req *shalev1.ShowTransactionRequest) (*shalev1.ShowTransactionResponse, error) {
	id := timestamp.Timestamp(req.GetId())
	if id == 0 {
		return nil, &mvcc.InvalidError{Reason: "TXN_MISSING", What: "the id is missing", Hint: "list the transactions"}
	}
	w, err := h.walk(ctx, 0)
	if err != nil {
		return nil, err
	}
	s := &shown{w: w, id: id, res: &shalev1.ShowTransactionResponse{State: stateNone, Timestamp: h.oracleTime(ctx)}}
	if err := s.lookAtLocks(ctx); err != nil {
		return nil, err
	}
	if err := s.lookAtRecords(ctx); err != nil {
		return nil, err
	}
	if s.primary == "" {
		if err := s.lookAtVersions(ctx); err != nil {
			return nil, err
		}
	} else if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.res.Waits = w.waits(ctx, shownMax, func(x *routing.Waiting) bool { return x.Holder == id || x.Waiter == id })
	s.res.Unreachable = distinct(w.unreachable)
	return s.res, nil
}

// shown is what is found of one transaction.
type shown struct {
	w       *walk
	id      timestamp.Timestamp
	primary mvcc.Key
	res     *shalev1.ShowTransactionResponse
}

func (s *shown) lookAtLocks(ctx context.Context) error {
	held := holders{}
	err := s.w.locks(ctx, everything(), func(l mvcc.Lock, shard routing.ShardID) bool {
		if l.StartTS != s.id {
			return true
		}
		held.add(&l, shard)
		s.primary = l.Primary
		if len(s.res.Locks) < shownMax {
			s.res.Locks = append(s.res.Locks, publicLock(&l, shard))
		} else {
			s.res.Truncated = true
		}
		return true
	})
	s.res.Transaction = held[s.id]
	return err
}

func (s *shown) lookAtRecords(ctx context.Context) error {
	return s.w.records(ctx, mvcc.RecordsArgs{Span: everything(), StartTS: s.id}, func(r mvcc.Record, shard routing.ShardID) bool {
		if r.StartTS != s.id {
			return true
		}
		if len(s.res.Records) == shownMax {
			s.res.Truncated = true
			return false
		}
		s.res.Records = append(s.res.Records, &shalev1.Record{Key: []byte(r.Key), State: stateOf(r.Decision),
			CommitTimestamp: uint64(r.CommitTS), Shard: uint64(shard)})
		if s.primary == "" && r.Decision != mvcc.Fenced { // outcomes are recorded at primaries alone
			s.primary = r.Key
		}
		return true
	})
}

// ask has the primary say what became of it. Nothing is decided by asking.
func (s *shown) ask(ctx context.Context) error {
	one, cancel := context.WithTimeout(ctx, shardTimeout)
	defer cancel()
	status, err := s.w.m.Txns.Outcome(one, s.id, s.primary)
	switch {
	case err != nil && ctx.Err() == nil && away(err):
		s.res.State = statePending // as far as anybody can tell
	case err != nil:
		return err
	default:
		s.res.State, s.res.CommitTimestamp = stateOf(status.Decision), uint64(status.CommitTS)
	}
	if s.res.Transaction == nil {
		s.res.Transaction = &shalev1.Transaction{Id: uint64(s.id)}
	}
	s.res.Transaction.Primary = []byte(s.primary)
	return nil
}

// lookAtVersions looks for what it wrote. The timestamp is a fresh one: a later one would keep
// commits from falling where they may (P6).
func (s *shown) lookAtVersions(ctx context.Context) error {
	if s.res.Timestamp == 0 {
		return nil
	}
	until := time.Now().Add(versionsTime)
	args := mvcc.VersionsArgs{ReadTS: timestamp.Timestamp(s.res.Timestamp), StartTS: s.id, Limit: walkPage, KeysOnly: true}
	return s.w.each(ctx, everything(), func(part mvcc.Span) (bool, error) {
		args.Span, args.After = part, mvcc.VersionName{}
		for {
			page, from, err := soon(ctx, args, s.w.m.Txns.Versions)
			if err != nil {
				return false, err
			}
			for _, v := range page.Versions {
				if v.StartTS == s.id && len(s.res.Records) < shownMax {
					s.wrote(&v, from.ID)
				}
			}
			switch end := page.Covered.End; {
			case len(s.res.Records) == shownMax, time.Now().After(until):
				s.res.Truncated = true
				return false, nil
			case page.More:
				args.After = page.Resume
			case passed(end, part):
				return true, nil
			default:
				args.Span.Start, args.After = end, mvcc.VersionName{}
			}
		}
	})
}

// wrote notes one version of the transaction, which says that it is committed.
func (s *shown) wrote(v *mvcc.Version, shard routing.ShardID) {
	s.res.State, s.res.CommitTimestamp = stateCommitted, uint64(v.CommitTS)
	s.res.Records = append(s.res.Records, &shalev1.Record{Key: []byte(v.Key), State: stateCommitted,
		CommitTimestamp: uint64(v.CommitTS), Shard: uint64(shard)})
	if s.res.Transaction == nil {
		s.res.Transaction = &shalev1.Transaction{Id: uint64(s.id)}
	}
}
