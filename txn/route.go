package txn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// ShardCache is the shard map as far as this process has met it. A wrong entry costs a
// detour, never a wrong answer: the shard checks. It may be used by any goroutine.
type ShardCache struct {
	lookup func(context.Context, mvcc.Key) ([]routing.Descriptor, error)

	mu   sync.RWMutex
	list []routing.Descriptor // by start; no two overlap
}

var _ Shards = (*ShardCache)(nil)

// NewShardCache makes an empty cache. Lookup asks the directory: the first descriptors of its
// answer cover the key, the newest first.
func NewShardCache(lookup func(context.Context, mvcc.Key) ([]routing.Descriptor, error)) *ShardCache {
	return &ShardCache{lookup: lookup}
}

// Find is the shard that holds the key.
func (s *ShardCache) Find(ctx context.Context, k mvcc.Key) (routing.Descriptor, error) {
	if d, ok := s.cached(k); ok {
		return d, nil
	}
	found, err := s.lookup(ctx, k)
	if err != nil {
		return routing.Descriptor{}, err
	}
	for _, d := range slices.Backward(found) { // the newest last, so that it stays
		s.Learn(d)
	}
	if d, ok := s.cached(k); ok {
		return d, nil
	}
	return routing.Descriptor{}, &routing.UnavailableError{
		Why: fmt.Sprintf("the directory knows no shard that holds %s", mvcc.FormatKey(k))}
}

func (s *ShardCache) cached(k mvcc.Key) (routing.Descriptor, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, found := slices.BinarySearchFunc(s.list, k, func(d routing.Descriptor, k mvcc.Key) int { return cmp.Compare(d.Span.Start, k) })
	if !found {
		i--
	}
	if i < 0 || !s.list[i].Span.Contains(k) {
		return routing.Descriptor{}, false
	}
	return s.list[i], true
}

// Learn takes a descriptor in, in place of older ones of the same keys.
func (s *ShardCache) Learn(d routing.Descriptor) {
	if d.Span.Empty() || d.ID == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	older := func(o routing.Descriptor) bool { return overlap(o.Span, d.Span) || o.ID == d.ID }
	for _, o := range s.list {
		if older(o) && o.Epoch.Newer(d.Epoch) {
			return
		}
	}
	// A copy: readers hold the old list's entries by value, but not while they search.
	list := slices.DeleteFunc(slices.Clone(s.list), older)
	i, _ := slices.BinarySearchFunc(list, d.Span.Start, func(o routing.Descriptor, k mvcc.Key) int { return cmp.Compare(o.Span.Start, k) })
	s.list = slices.Insert(list, i, d)
}

// Forget drops a descriptor that led astray, and what is older of the same shard.
func (s *ShardCache) Forget(d routing.Descriptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(slices.Clone(s.list), func(o routing.Descriptor) bool {
		return o.ID == d.ID && !o.Epoch.Newer(d.Epoch)
	})
}

func overlap(a, b mvcc.Span) bool { return !a.Clip(b).Empty() }

// rerouted takes a wrong route's lesson in, and says whether the call's error was one.
func (c *Coordinator) rerouted(call *routing.Call) bool {
	var moved *routing.EpochMismatchError
	var unknown *routing.UnknownShardError
	switch {
	case errors.As(call.Err, &moved):
		c.w.Shards.Forget(call.To)
		for _, d := range moved.Current {
			c.w.Shards.Learn(d)
		}
	case errors.As(call.Err, &unknown):
		c.w.Shards.Forget(call.To)
	default:
		return false
	}
	return true
}

// group is the part of some items that lies in one shard.
type group[T any] struct {
	to    routing.Descriptor
	items []T
}

// groupByShard sorts items into the shards of their keys; the groups come in the order of
// their first items.
func groupByShard[T any](ctx context.Context, shards Shards, items []T, key func(T) mvcc.Key) ([]group[T], error) {
	var groups []group[T]
next:
	for _, it := range items {
		k := key(it)
		for i := range groups {
			if groups[i].to.Span.Contains(k) {
				groups[i].items = append(groups[i].items, it)
				continue next
			}
		}
		d, err := shards.Find(ctx, k)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group[T]{d, []T{it}})
	}
	return groups, nil
}
