package server

import (
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/grpchealth"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// access is what a request touches: spans of users' keys, or the cluster itself.
type access struct {
	spans   []mvcc.Span
	cluster bool
}

// accessOf is the one place where a request's keys are computed, for whichever way it came:
// between nodes or from the public (P33). A request that it does not know is refused.
func accessOf(req any) (access, error) {
	switch r := req.(type) {
	case *mvcc.GetArgs:
		return access{}.keys(r.Keys...).holder(r.Primary), nil
	case *mvcc.ScanArgs:
		return access{spans: []mvcc.Span{r.Span}}.holder(r.Primary), nil
	case *mvcc.PrewriteArgs:
		a := ofKeys(r.Primary)
		for i := range r.Mutations {
			a.spans = append(a.spans, mvcc.KeySpan(r.Mutations[i].Key))
		}
		return a.keys(r.Secondaries...).keys(r.ReadKeys...), nil
	case *mvcc.ClaimArgs:
		return ofKeys(r.Primary).keys(r.Keys...), nil
	case *mvcc.ValidateArgs:
		return access{spans: slices.Clone(r.Spans)}.keys(r.Keys...), nil
	case *mvcc.CommitArgs:
		return ofKeys(r.Primary).keys(r.Keys...), nil
	case *mvcc.RollbackArgs:
		return ofKeys(r.Primary).keys(r.Keys...), nil
	case *mvcc.FenceArgs:
		return ofKeys(r.Primary).keys(r.Keys...), nil
	case *mvcc.CheckTxnArgs:
		return ofKeys(r.Primary), nil
	case *mvcc.OutcomeArgs:
		return ofKeys(r.Primary), nil
	case *mvcc.HeartbeatArgs:
		return ofKeys(r.Primary), nil
	case *routing.VictimArgs:
		return ofKeys(r.Key).edges(r.Cycle), nil
	case *routing.WaitArgs:
		return access{cluster: true}.edges(r.Edges), nil
	}
	if a, ok := accessOfBrowse(req); ok {
		return a, nil
	}
	if clusterRequest(req) {
		return access{cluster: true}, nil
	}
	return accessOfPublic(req)
}

// accessOfBrowse knows the requests of those who look inside. A lock names its primary, and who
// waits and what is busy lies anywhere: that is the cluster's.
func accessOfBrowse(req any) (access, bool) {
	switch r := req.(type) {
	case *mvcc.VersionsArgs:
		return access{spans: []mvcc.Span{r.Span}}, true
	case *mvcc.LocksArgs:
		return access{spans: []mvcc.Span{r.Span}, cluster: true}, true
	case *mvcc.RecordsArgs:
		return access{spans: []mvcc.Span{r.Span}, cluster: true}, true
	case *routing.QueueArgs, *routing.HotArgs:
		return access{cluster: true}, true
	}
	return access{}, false
}

// accessOfPublic knows the public requests. They are whole transactions or parts of one, so
// their keys are those that their requests to shards will have: also the claims that stand in
// a handle, which anybody can forge.
func accessOfPublic(req any) (access, error) {
	a, err := accessOfFields(req)
	if r, ok := req.(interface{ GetTxn() *shalev1.Txn }); ok && err == nil {
		var held []mvcc.Key
		held, err = wire.HandleKeys(r.GetTxn())
		a = a.keys(held...)
	}
	return a, err
}

// accessOfFields leaves the handle out.
func accessOfFields(req any) (access, error) {
	switch r := req.(type) {
	case *shalev1.BeginRequest, *shalev1.HeartbeatRequest:
		return access{}, nil
	case *shalev1.GetRequest:
		return ofBytes(r.GetKeys()...), nil
	case *shalev1.ScanRequest:
		return ofSpan(access{}, r.GetStart(), r.GetEnd())
	case *shalev1.CommitRequest:
		a := ofBytes(r.GetReads().GetKeys()...)
		for _, m := range r.GetMutations() {
			a.spans = append(a.spans, mvcc.KeySpan(mvcc.Key(m.GetKey())))
		}
		var err error
		for _, s := range r.GetReads().GetSpans() {
			if a, err = ofSpan(a, s.GetStart(), s.GetEnd()); err != nil {
				return access{}, err
			}
		}
		return a, nil
	case *shalev1.RollbackRequest:
		return ofPrimary(r.GetPrimary()), nil
	case *shalev1.OutcomeRequest:
		return ofPrimary(r.GetPrimary()), nil
	case *shalev1.ListLocksRequest:
		return ofSpan(access{cluster: true}, r.GetStart(), r.GetEnd())
	case *shalev1.ResolveLockRequest:
		a := ofPrimary(r.GetKey())
		a.cluster = true
		return a, nil
	case *shalev1.ListTransactionsRequest, *shalev1.ShowTransactionRequest, *shalev1.ActivityRequest:
		return access{cluster: true}, nil
	case *shalev1.ListNodesRequest, *shalev1.ListShardsRequest, *shalev1.SplitShardRequest, *shalev1.MergeShardsRequest,
		*shalev1.MoveReplicaRequest, *shalev1.TransferLeaderRequest, *shalev1.DrainNodeRequest,
		*shalev1.DecommissionNodeRequest, *shalev1.StatusRequest,
		*nodev1.HelloRequest, *nodev1.InitRequest, *nodev1.BootstrapRequest, *nodev1.JoinRequest, *nodev1.InspectRequest,
		*nodev1.SnapshotOffsetRequest, *nodev1.ExplainRequest, *nodev1.SettingsRequest:
		return access{cluster: true}, nil
	}
	return access{}, &mvcc.InvalidError{Reason: "REQUEST_UNKNOWN", What: fmt.Sprintf("no rule says who may send %T", req),
		Hint: "use a client of this release"}
}

func ofBytes(keys ...[]byte) access {
	a := access{spans: make([]mvcc.Span, len(keys))}
	for i, k := range keys {
		a.spans[i] = mvcc.KeySpan(mvcc.Key(k))
	}
	return a
}

// ofPrimary: without one nothing is touched, and the handler says whether that may be.
func ofPrimary(primary []byte) access {
	if len(primary) == 0 {
		return access{}
	}
	return ofBytes(primary)
}

func ofSpan(a access, start, end []byte) (access, error) {
	s, err := wire.DecodeSpan(start, end)
	a.spans = append(a.spans, s)
	return a, err
}

func ofKeys(keys ...mvcc.Key) access { return access{}.keys(keys...) }

// keys adds single keys.
func (a access) keys(keys ...mvcc.Key) access {
	a.spans = slices.Grow(a.spans, len(keys))
	for _, k := range keys {
		a.spans = append(a.spans, mvcc.KeySpan(k))
	}
	return a
}

// holder adds the primary of a reader that holds claims.
func (a access) holder(primary mvcc.Key) access {
	if primary == "" {
		return a
	}
	return a.keys(primary)
}

// edges adds the keys that are waited for.
func (a access) edges(edges []mvcc.WaitEdge) access {
	for _, e := range edges {
		a.spans = append(a.spans, mvcc.KeySpan(e.Key))
	}
	return a
}

// admitUnary says so for a unary call. Health names services and no keys.
func admitUnary(procedure string, msg any) error {
	if strings.HasPrefix(procedure, "/"+grpchealth.HealthV1ServiceName+"/") {
		return nil
	}
	if err := unreadable(msg); err != nil {
		return err
	}
	return admit(msg)
}

// admit says whether a request may pass: users' keys only, and no keys that are none.
func admit(req any) error {
	a, err := accessOf(req)
	if err != nil {
		return err
	}
	for _, s := range a.spans {
		switch {
		case s.Start == "":
			return mvcc.ValidateKey("")
		case s.Start < mvcc.FirstUserKey:
			return &routing.KeySystemError{Key: s.Start}
		case len(s.Start) > mvcc.MaxBoundSize:
			return mvcc.ValidateBound(s.Start)
		case len(s.End) > mvcc.MaxBoundSize+1:
			return mvcc.ValidateBound(s.End)
		}
	}
	return nil
}

// clusterRequest says whether a request concerns the cluster and no key's content.
func clusterRequest(req any) bool {
	switch req.(type) {
	case *routing.TimestampArgs, *routing.SplitArgs, *routing.TransferArgs, *routing.StatusArgs:
		return true
	}
	return directory.Owns(req)
}
