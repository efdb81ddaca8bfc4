package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

// transactions serves shale.v1.TxnService. It keeps nothing between two calls: what a
// transaction is stands in the handle that the client holds, and what became of it in the
// shards. So any node answers any call.
type transactions struct{ s *Server }

const (
	answerMax = 64 << 20 // keys and values of one Get's answer
	entrySize = 32       // what an entry costs beside them, about
	pageMax   = 2 << 20  // keys and values of one page
	rowsMax   = 16 << 10 // entries of one page
)

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

// Begin draws the read timestamp, which is the transaction's id.
func (h transactions) Begin(ctx context.Context, req *shalev1.BeginRequest) (*shalev1.BeginResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	if err := beginnable(req); err != nil {
		return nil, err
	}
	now, err := c.Now(ctx)
	if err != nil {
		return nil, err
	}
	hd := &wire.Handle{ID: now, ReadTS: now, ClusterID: cluster, ReadOnly: req.GetReadOnly()}
	return &shalev1.BeginResponse{Txn: wire.EncodeHandle(hd)}, nil
}

// beginnable says whether this release begins such a transaction.
func beginnable(req *shalev1.BeginRequest) error {
	switch req.GetIsolation() {
	case shalev1.Isolation_ISOLATION_UNSPECIFIED, shalev1.Isolation_ISOLATION_SNAPSHOT:
	case shalev1.Isolation_ISOLATION_SERIALIZABLE:
		return &wire.UnimplementedError{What: "the isolation SERIALIZABLE"}
	default:
		return &mvcc.InvalidError{Reason: "ISOLATION_UNKNOWN", What: fmt.Sprintf("the isolation %d is unknown", req.GetIsolation()),
			Hint: "leave it out, or name ISOLATION_SNAPSHOT"}
	}
	switch {
	case req.GetPessimistic():
		return &wire.UnimplementedError{What: "a pessimistic transaction"}
	case req.GetAsOf() != 0:
		return &wire.UnimplementedError{What: "reading as of a timestamp"}
	case req.GetMaxStalenessMs() != 0:
		return &wire.UnimplementedError{What: "reading at a bounded staleness"}
	}
	return nil
}

// Get reads keys at the transaction's read timestamp, or their newest of one moment.
func (h transactions) Get(ctx context.Context, req *shalev1.GetRequest) (*shalev1.GetResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	if req.GetForUpdate() {
		return nil, &wire.UnimplementedError{What: "a Get for update"}
	}
	hd, err := handle(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	keys, err := wire.DecodeKeys(req.GetKeys())
	if err != nil {
		return nil, err
	}
	var at txn.Read
	if hd != nil {
		at = txn.Read{TS: hd.ReadTS, Own: hd.ID}
	}
	_, versions, err := c.Get(ctx, at, keys)
	if err != nil {
		return nil, err
	}
	res := &shalev1.GetResponse{Txn: afterRead(hd), Entries: make([]*shalev1.Entry, len(keys))}
	size := 0
	for i, k := range keys {
		if size += entrySize + len(k) + len(versions[i].Value); size > answerMax {
			return nil, &wire.AnswerTooLargeError{What: "the answer has more than 64 MiB of keys and values"}
		}
		res.Entries[i] = wire.EncodeEntry(k, &versions[i])
	}
	return res, nil
}

// Scan reads one page. Without a transaction it begins a read-only one, so that all pages
// are of one snapshot.
func (h transactions) Scan(ctx context.Context, req *shalev1.ScanRequest) (*shalev1.ScanResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handle(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	span, err := wire.DecodeSpan(req.GetStart(), req.GetEnd())
	if err != nil {
		return nil, err
	}
	if hd == nil {
		now, err := c.Now(ctx)
		if err != nil {
			return nil, err
		}
		hd = &wire.Handle{ID: now, ReadTS: now, ClusterID: cluster, ReadOnly: true}
	}
	limit := rowsMax
	if n := req.GetLimit(); n != 0 && n < rowsMax {
		limit = int(n)
	}
	page, err := c.Scan(ctx, mvcc.ScanArgs{ReadTS: hd.ReadTS, Own: hd.ID, Span: span, Limit: limit, MaxBytes: pageMax,
		Reverse: req.GetReverse(), KeysOnly: req.GetKeysOnly()})
	if err != nil {
		return nil, err
	}
	res := &shalev1.ScanResponse{Txn: afterRead(hd), More: page.More, Entries: make([]*shalev1.Entry, len(page.Versions))}
	if page.More {
		res.ResumeKey = []byte(page.Resume)
	}
	for i := range page.Versions {
		res.Entries[i] = wire.EncodeEntry(page.Versions[i].Key, &page.Versions[i])
	}
	return res, nil
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
	if hd == nil {
		commitTS, err := c.Autocommit(ctx, content)
		var unknown *mvcc.UndeterminedError
		if errors.As(err, &unknown) {
			err = &wire.OutcomeUnknownError{Cause: unknown}
		}
		return &shalev1.CommitResponse{CommitTimestamp: uint64(commitTS)}, err
	}
	if len(content.Mutations) == 0 {
		return &shalev1.CommitResponse{CommitTimestamp: uint64(hd.ReadTS)}, nil
	}
	if hd.ReadOnly {
		return nil, &wire.ReadOnlyError{}
	}
	commitTS, err := c.Commit(ctx, hd.ID, content)
	return &shalev1.CommitResponse{CommitTimestamp: uint64(commitTS)}, err
}

// Rollback decides a transaction to be aborted, unless it is committed. Without a primary no
// Commit was sent: there is nothing to decide, and nothing is recorded.
func (h transactions) Rollback(ctx context.Context, req *shalev1.RollbackRequest) (*shalev1.RollbackResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handleOrID(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	if len(req.GetPrimary()) == 0 {
		return &shalev1.RollbackResponse{State: shalev1.State_STATE_PENDING}, nil
	}
	if err := issued(ctx, c, hd); err != nil {
		return nil, err
	}
	st, err := c.Rollback(ctx, hd.ID, mvcc.Key(req.GetPrimary()))
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

// Heartbeat answers the handle: an optimistic transaction has no locks before its Commit,
// and the gateway that runs it keeps those alive.
func (h transactions) Heartbeat(_ context.Context, req *shalev1.HeartbeatRequest) (*shalev1.HeartbeatResponse, error) {
	_, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handle(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	if hd == nil {
		return nil, noHandle()
	}
	return &shalev1.HeartbeatResponse{Txn: wire.EncodeHandle(hd)}, nil
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
	if len(req.GetPrimary()) == 0 {
		return nil, &mvcc.InvalidError{Reason: "PRIMARY_MISSING", What: "the primary is missing",
			Hint: "send the key of the Commit's first mutation"}
	}
	st, err := c.Outcome(ctx, hd.ID, mvcc.Key(req.GetPrimary()))
	if err != nil {
		return nil, err
	}
	res := &shalev1.OutcomeResponse{}
	res.State, res.CommitTimestamp = wire.EncodeState(&st)
	return res, nil
}

// handle reads a whole handle; nil: none was sent.
func handle(m *shalev1.Txn, cluster string) (*wire.Handle, error) {
	hd, err := wire.DecodeHandle(m, cluster, false)
	if err == nil && hd != nil && hd.Serializable {
		err = &wire.UnimplementedError{What: "the isolation SERIALIZABLE"}
	}
	return hd, err
}

// handleOrID takes a bare id, too.
func handleOrID(m *shalev1.Txn, cluster string) (*wire.Handle, error) {
	hd, err := wire.DecodeHandle(m, cluster, true)
	if err == nil && hd == nil {
		err = noHandle()
	}
	return hd, err
}

func noHandle() error {
	return &mvcc.InvalidError{Reason: "TXN_MISSING", What: "the txn is missing", Hint: "send the txn that Begin answered"}
}

// afterRead is the handle to go on with once the transaction has read.
func afterRead(hd *wire.Handle) *shalev1.Txn {
	if hd == nil {
		return nil
	}
	hd.Read = true
	return wire.EncodeHandle(hd)
}
