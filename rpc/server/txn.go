package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// transactions serves shale.v1.TxnService. It keeps nothing between two calls: what a
// transaction is stands in the handle that the client holds, and what became of it in the
// shards. So any node answers any call.
type transactions struct{ s *Server }

// gateway is what a call needs of the node, once that has its place in a cluster.
func (h transactions) gateway() (*txn.Coordinator, string, error) {
	m, err := h.s.cfg.member()
	if err != nil {
		return nil, "", err
	}
	if m.Txns == nil {
		return nil, "", &routing.UnavailableError{Why: "this node serves no transactions yet"}
	}
	return m.Txns, m.ClusterID, nil
}

// Begin draws the read timestamp, which is the transaction's id. A transaction that reads the
// past begins where it reads: it is nobody's attempt at anything, and another one may have
// that timestamp for its id.
func (h transactions) Begin(ctx context.Context, req *shalev1.BeginRequest) (*shalev1.BeginResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	if err := beginnable(req); err != nil {
		return nil, err
	}
	staleness := time.Duration(min(req.GetMaxStalenessMs(), uint64(txn.Retention.Milliseconds()))) * time.Millisecond
	at, err := c.ReadTimestamp(ctx, timestamp.Timestamp(req.GetAsOf()), staleness)
	if err != nil {
		return nil, err
	}
	hd := &wire.Handle{ID: at, ReadTS: at, ClusterID: cluster, ReadOnly: req.GetReadOnly() || past(req),
		Serializable: req.GetIsolation() == shalev1.Isolation_ISOLATION_SERIALIZABLE, Pessimistic: req.GetPessimistic()}
	return &shalev1.BeginResponse{Txn: encode(c, hd)}, nil
}

// past says whether the transaction may read another state than the newest. Then it is
// read-only.
func past(req *shalev1.BeginRequest) bool { return req.GetAsOf() != 0 || req.GetMaxStalenessMs() != 0 }

// beginnable says whether the options go together.
func beginnable(req *shalev1.BeginRequest) error {
	switch req.GetIsolation() {
	case shalev1.Isolation_ISOLATION_UNSPECIFIED, shalev1.Isolation_ISOLATION_SNAPSHOT, shalev1.Isolation_ISOLATION_SERIALIZABLE:
	default:
		return &mvcc.InvalidError{Reason: "ISOLATION_UNKNOWN", What: fmt.Sprintf("the isolation %d is unknown", req.GetIsolation()),
			Hint: "leave it out, or name ISOLATION_SNAPSHOT or ISOLATION_SERIALIZABLE"}
	}
	switch {
	case req.GetAsOf() != 0 && req.GetMaxStalenessMs() != 0:
		return &mvcc.InvalidError{Reason: "READ_TIME_TWICE", What: "asOf and maxStalenessMs each say when to read",
			Hint: "send one of them"}
	case req.GetPessimistic() && (req.GetReadOnly() || past(req)):
		return &mvcc.InvalidError{Reason: "READ_ONLY_PESSIMISTIC", What: "a pessimistic transaction claims what is newest; one that only reads, or reads the past, does not",
			Hint: "leave pessimistic out; or readOnly, asOf and maxStalenessMs"}
	}
	return nil
}

// Commit applies mutations. With a transaction it may be sent again, to any node; without one
// it must not be, once its outcome is unknown (S9).
func (h transactions) Commit(ctx context.Context, req *shalev1.CommitRequest) (*shalev1.CommitResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handle(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	content, err := wire.DecodeContent(req)
	if err != nil {
		return nil, err
	}
	if err := committable(hd, &content); err != nil {
		return nil, err
	}
	if hd == nil {
		return autocommit(ctx, c, content)
	}
	commitTS := hd.ReadTS
	if len(content.Mutations) > 0 || hd.Primary != "" {
		content.Serializable = hd.Serializable
		commitTS, err = c.Commit(ctx, transaction(hd), content)
	}
	if len(content.Mutations) == 0 { // claims may have left marks: they are no writes
		commitTS = hd.ReadTS
	}
	return &shalev1.CommitResponse{CommitTimestamp: uint64(commitTS)}, err
}

// committable says whether a transaction may be committed with such a content; nil: autocommit.
// What was read at one snapshot and nothing written is serializable by itself where the
// transaction said at its beginning that it would not write.
func committable(hd *wire.Handle, content *mvcc.Content) error {
	reads := len(content.ReadKeys) + len(content.ReadSpans)
	switch {
	case reads > 0 && (hd == nil || !hd.Serializable):
		return &mvcc.InvalidError{Reason: "READS_UNUSED", What: "the Commit says what was read, but nobody is to validate it",
			Hint: "begin with ISOLATION_SERIALIZABLE, or leave reads out"}
	case hd == nil:
		return nil
	case hd.ReadOnly && len(content.Mutations) > 0:
		return &wire.ReadOnlyError{}
	case hd.Serializable && hd.Fixed && !hd.ReadOnly && reads == 0:
		return &mvcc.InvalidError{Reason: "READS_MISSING", What: "the serializable transaction has read, and its Commit does not say what",
			Hint: "send the keys and spans read in reads"}
	}
	return nil
}

func autocommit(ctx context.Context, c *txn.Coordinator, content mvcc.Content) (*shalev1.CommitResponse, error) {
	commitTS, err := c.Autocommit(ctx, content)
	var unknown *mvcc.UndeterminedError
	if errors.As(err, &unknown) {
		err = &wire.OutcomeUnknownError{Cause: unknown}
	}
	return &shalev1.CommitResponse{CommitTimestamp: uint64(commitTS)}, err
}

// Rollback decides a transaction to be aborted, unless it is committed. Without a primary no
// Commit was sent and nothing claimed: there is nothing to decide, and nothing is recorded. So
// it is with what only reads: its id may be another's.
func (h transactions) Rollback(ctx context.Context, req *shalev1.RollbackRequest) (*shalev1.RollbackResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handleOrID(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	tx := transaction(hd)
	if tx.Primary = primaryOf(hd, req.GetPrimary()); tx.Primary == "" || hd.ReadOnly {
		return &shalev1.RollbackResponse{State: shalev1.State_STATE_PENDING}, nil
	}
	if err := issued(ctx, c, hd); err != nil {
		return nil, err
	}
	st, err := c.Rollback(ctx, tx)
	if err != nil {
		return nil, err
	}
	res := &shalev1.RollbackResponse{}
	res.State, res.CommitTimestamp = wire.EncodeState(&st)
	return res, nil
}

// issued refuses an id that no transaction has yet: its abort would stand recorded before it
// begins. Only a bare id has to be asked about.
func issued(ctx context.Context, c *txn.Coordinator, hd *wire.Handle) error {
	if !hd.Bare {
		return nil
	}
	now, err := c.Now(ctx)
	if err == nil && hd.ID >= now {
		err = &mvcc.InvalidError{Reason: "TXN_MALFORMED", What: fmt.Sprintf("no transaction has the id %s yet", hd.ID),
			Hint: "send the id of a transaction that has begun"}
	}
	return err
}

// Heartbeat keeps a pessimistic transaction's claims alive. An optimistic one has no locks
// before its Commit, and the gateway that runs that keeps them alive.
func (h transactions) Heartbeat(ctx context.Context, req *shalev1.HeartbeatRequest) (*shalev1.HeartbeatResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handle(req.GetTxn(), cluster)
	switch {
	case err != nil:
		return nil, err
	case hd == nil:
		return nil, noHandle()
	case !hd.Pessimistic:
		return nil, &mvcc.InvalidError{Reason: "NOT_PESSIMISTIC", What: "an optimistic transaction holds nothing that expires",
			Hint: "leave the heartbeats out, or begin a pessimistic transaction"}
	}
	if err := c.Heartbeat(ctx, transaction(hd)); err != nil {
		return nil, err
	}
	return &shalev1.HeartbeatResponse{Txn: encode(c, hd)}, nil
}

// Outcome says what is recorded at the primary. It decides nothing.
func (h transactions) Outcome(ctx context.Context, req *shalev1.OutcomeRequest) (*shalev1.OutcomeResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handleOrID(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	primary := primaryOf(hd, req.GetPrimary())
	if primary == "" {
		return nil, &mvcc.InvalidError{Reason: "PRIMARY_MISSING", What: "the primary is missing",
			Hint: "send the key of the Commit's first mutation, or the txn of a pessimistic transaction that has claimed keys"}
	}
	if hd.ReadOnly {
		return &shalev1.OutcomeResponse{State: shalev1.State_STATE_PENDING}, nil
	}
	st, err := c.Outcome(ctx, hd.ID, primary)
	if err != nil {
		return nil, err
	}
	res := &shalev1.OutcomeResponse{}
	res.State, res.CommitTimestamp = wire.EncodeState(&st)
	return res, nil
}
