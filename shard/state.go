package shard

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// State is a replica's rows at the applied index Applied, as a value: the overlay, to be
// merged with any store view whose index lies between Base and Applied. It never changes
// and may be used by any goroutine.
type State struct {
	Overlay *Overlay
	Base    mvcc.Index
	Applied mvcc.Index
	// Generation counts the stores a replica has had: a raft snapshot brings a new one.
	Generation int
}

// Fits says whether a view at the flushed index can be merged with the state's overlay. An
// older view lacks rows that the overlay no longer holds; a newer one has rows that the
// overlay's older rows would hide.
func (s State) Fits(index mvcc.Index) bool { return s.Base <= index && index <= s.Applied }

// get is the newest version of k at or below the timestamp, in the state.
func (s State) get(v mvcc.View, k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, error) {
	if version, ok := s.Overlay.get(k, at); ok {
		return version, nil
	}
	version, _, err := v.Get(k, at)
	return version, err
}

// Answer merges the state with the view and answers the request. It changes nothing and may
// be called from any goroutine.
func (r Read) Answer(v mvcc.View) (routing.Response, error) {
	if !r.State.Fits(v.Index()) {
		return nil, fmt.Errorf("a view at %d does not fit the state %d to %d", v.Index(), r.State.Base, r.State.Applied)
	}
	switch a := r.Request.Req.(type) {
	case *mvcc.GetArgs:
		return r.get(v, a)
	case *mvcc.ScanArgs:
		return r.scan(v, a)
	case *mvcc.ValidateArgs:
		if err := r.validate(v, a); err != nil {
			return nil, err
		}
		return &mvcc.ValidateResult{}, nil
	case *mvcc.VersionsArgs:
		return r.browseVersions(v, a)
	case *mvcc.RecordsArgs:
		return r.browseRecords(v, a)
	}
	return nil, fmt.Errorf("%T is no read", r.Request.Req)
}

func (r Read) get(v mvcc.View, a *mvcc.GetArgs) (routing.Response, error) {
	res := &mvcc.GetResult{ReadTS: a.ReadTS, Versions: make([]mvcc.Version, len(a.Keys))}
	at := a.ReadTS
	if at == 0 {
		at = timestamp.Max
	}
	for i, k := range a.Keys {
		version, err := r.State.get(v, k, at)
		if err != nil {
			return nil, err
		}
		res.Versions[i] = version
	}
	return res, nil
}

func (r Read) scan(v mvcc.View, a *mvcc.ScanArgs) (routing.Response, error) {
	covered := r.Span.Clip(a.Span)
	if covered.Empty() {
		return &mvcc.ScanResult{Covered: covered}, nil
	}
	merged := r.State.Overlay.mergeScan(v.Scan(covered, a.ReadTS, a.Reverse, a.KeysOnly),
		covered, a.ReadTS, a.Reverse)
	res, err := mvcc.Page(merged, a, covered)
	if err != nil {
		return nil, err
	}
	return &res, nil
}

// Answer looks the facts up in the state. It changes nothing and may be called from any
// goroutine.
func (l Lookup) Answer(v mvcc.View) ([]mvcc.Fact, error) {
	if !l.State.Fits(v.Index()) {
		return nil, fmt.Errorf("a view at %d does not fit the state %d to %d", v.Index(), l.State.Base, l.State.Applied)
	}
	facts, err := v.Facts(l.Keys, l.StartTS)
	if err != nil {
		return nil, err
	}
	for i := range facts {
		l.State.Overlay.amend(&facts[i])
	}
	return facts, nil
}
