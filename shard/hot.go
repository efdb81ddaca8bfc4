package shard

import (
	"cmp"
	"slices"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// hot counts what a leader is asked: all of it in two totals, and by key in a sketch of the
// busiest ones (space-saving: Metwally, Agrawal, El Abbadi 2005). Whoever is not in the sketch
// takes the place of the least there, with its count as the error. So a key's count is at most
// its error too high, and no key is missing that was asked for more often than the least one.
//
// Where much is asked only one key in "every" goes into the sketch, on average, and counts as so
// many. The gaps between two are drawn from a small generator of its own, so that a pattern in
// the requests does not hide a key, and the same requests always give the same sketch.
type hot struct {
	read, written uint64

	gap     int // keys that pass before the next one is taken
	every   int
	taken   int // since halveAt was set
	rng     uint32
	entries []hotEntry
	at      map[mvcc.Key]int // in entries
	halveAt time.Duration
}

type hotEntry struct {
	key                 mvcc.Key
	reads, writes, over float64 // over: what it took along from the one before
}

const (
	hotKeys  = 64
	hotTaken = 4096 // keys taken in one half-life, about, above which fewer are
	hotEvery = 256  // at most
	hotHalf  = 10 * time.Second
)

func newHot(now time.Duration) *hot {
	return &hot{every: 1, rng: 1, at: make(map[mvcc.Key]int, hotKeys), halveAt: now + hotHalf}
}

// asked takes a request in, when it comes. Where a key lies is looked at in the answer.
func (h *hot) asked(now time.Duration, req routing.Request) {
	switch a := req.(type) {
	case *mvcc.GetArgs:
		h.read += uint64(len(a.Keys))
		for ; h.gap < len(a.Keys); h.gap += h.stride() {
			h.add(now, a.Keys[h.gap], false)
		}
		h.gap -= len(a.Keys)
	case *mvcc.ScanArgs:
		h.read++
	case *mvcc.PrewriteArgs:
		h.written += uint64(len(a.Mutations))
		for ; h.gap < len(a.Mutations); h.gap += h.stride() {
			h.add(now, a.Mutations[h.gap].Key, true)
		}
		h.gap -= len(a.Mutations)
	case *mvcc.ClaimArgs:
		h.written += uint64(len(a.Keys))
		for ; h.gap < len(a.Keys); h.gap += h.stride() {
			h.add(now, a.Keys[h.gap], true)
		}
		h.gap -= len(a.Keys)
	}
}

// stride is the next gap, and one: from 1 to 2·every − 1.
func (h *hot) stride() int {
	h.rng ^= h.rng << 13
	h.rng ^= h.rng >> 17
	h.rng ^= h.rng << 5
	return 1 + int(h.rng)%(2*h.every-1)
}

func (h *hot) add(now time.Duration, k mvcc.Key, write bool) {
	h.age(now)
	e := h.entry(k)
	if write {
		e.writes += float64(h.every)
	} else {
		e.reads += float64(h.every)
	}
	if h.taken++; h.taken >= hotTaken && h.every < hotEvery {
		h.every, h.taken = 2*h.every, hotTaken/2 // as if it had been so from the beginning
	}
}

// entry is the key's, which may have been the least one's until now.
func (h *hot) entry(k mvcc.Key) *hotEntry {
	if i, ok := h.at[k]; ok {
		return &h.entries[i]
	}
	if len(h.entries) < hotKeys {
		h.at[k] = len(h.entries)
		h.entries = append(h.entries, hotEntry{key: k})
		return &h.entries[len(h.entries)-1]
	}
	least := 0
	for i := range h.entries {
		if h.entries[i].count() < h.entries[least].count() {
			least = i
		}
	}
	e := &h.entries[least]
	delete(h.at, e.key)
	h.at[k] = least
	e.key, e.over = k, e.count()
	return e
}

func (e *hotEntry) count() float64 { return e.reads + e.writes }

// age halves the counts once for every ten seconds that have passed.
func (h *hot) age(now time.Duration) {
	for n := 0; now >= h.halveAt; n++ {
		if n == 64 { // nothing is left of them
			h.halveAt = now
		}
		h.halveAt += hotHalf
		if h.taken < hotTaken/4 {
			h.every = max(1, h.every/2)
		}
		h.taken = 0
		for i := range h.entries {
			e := &h.entries[i]
			e.reads, e.writes, e.over = e.reads/2, e.writes/2, e.over/2
		}
	}
}

// answer lists the keys of the span that surely stood out: those of which more is known than what
// they took along, the busiest first.
func (h *hot) answer(now time.Duration, span mvcc.Span, limit int) *routing.HotResult {
	h.age(now)
	res := &routing.HotResult{Reads: h.read, Writes: h.written}
	for i := range h.entries {
		e := &h.entries[i]
		if span.Contains(e.key) && e.count()-e.over >= 1 {
			res.Keys = append(res.Keys, routing.HotKey{Key: e.key, Reads: e.reads, Writes: e.writes, Error: e.over})
		}
	}
	slices.SortFunc(res.Keys, func(a, b routing.HotKey) int {
		return cmp.Or(cmp.Compare(b.Reads+b.Writes-b.Error, a.Reads+a.Writes-a.Error), cmp.Compare(a.Key, b.Key))
	})
	res.Keys = res.Keys[:min(len(res.Keys), limitOr(limit, hotKeys))]
	return res
}
