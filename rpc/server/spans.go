package server

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// access is what a request touches: spans of users' keys, or the cluster itself.
type access struct {
	spans   []mvcc.Span
	cluster bool
}

// accessOf is the one place where a request's keys are computed, for whichever way it came
// (P33). A request that it does not know is refused.
func accessOf(req routing.Request) (access, error) {
	switch r := req.(type) {
	case *mvcc.GetArgs:
		return ofKeys(r.Keys...), nil
	case *mvcc.ScanArgs:
		return access{spans: []mvcc.Span{r.Span}}, nil
	case *mvcc.PrewriteArgs:
		a := ofKeys(r.Primary)
		for i := range r.Mutations {
			a.spans = append(a.spans, mvcc.KeySpan(r.Mutations[i].Key))
		}
		return a, nil
	case *mvcc.CommitArgs:
		return ofKeys(append([]mvcc.Key{r.Primary}, r.Keys...)...), nil
	case *mvcc.RollbackArgs:
		return ofKeys(append([]mvcc.Key{r.Primary}, r.Keys...)...), nil
	case *mvcc.CheckTxnArgs:
		return ofKeys(r.Primary), nil
	case *mvcc.OutcomeArgs:
		return ofKeys(r.Primary), nil
	case *mvcc.HeartbeatArgs:
		return ofKeys(r.Primary), nil
	}
	if clusterRequest(req) {
		return access{cluster: true}, nil
	}
	return access{}, fmt.Errorf("no rule says who may send %T", req)
}

func ofKeys(keys ...mvcc.Key) access {
	a := access{spans: make([]mvcc.Span, len(keys))}
	for i, k := range keys {
		a.spans[i] = mvcc.KeySpan(k)
	}
	return a
}

// admit says whether a request may pass: users' keys only, and no keys that are none.
func admit(req routing.Request) error {
	a, err := accessOf(req)
	if err != nil {
		return &mvcc.InvalidError{Reason: "REQUEST_UNKNOWN", What: err.Error(), Hint: "use a client of this release"}
	}
	for _, s := range a.spans {
		if s.Start < mvcc.FirstUserKey {
			return &routing.KeySystemError{Key: s.Start}
		}
		if len(s.Start) > mvcc.MaxBoundSize || len(s.End) > mvcc.MaxBoundSize+1 {
			return mvcc.ValidateBound(s.Start + s.End)
		}
	}
	return nil
}

// clusterRequest says whether a request concerns the cluster and no key's content.
func clusterRequest(req routing.Request) bool {
	switch req.(type) {
	case *routing.TimestampArgs, *routing.SplitArgs, *routing.TransferArgs, *routing.StatusArgs:
		return true
	}
	return directory.Owns(req)
}
