package bench

import (
	"math/rand/v2"
	"sync"
)

// rotation hands out the numbers of keys: always a few that are hot, and each for a bounded
// number of uses. So histories of single keys stay short, however long the run is, and yet
// the threads meet.
type rotation struct {
	mu     sync.Mutex
	uses   int // of each key
	hot    []int
	spent  []int // of the hot ones
	issued int   // keys 0 to issued-1 were ever hot
}

func newRotation(hot, uses int) *rotation {
	r := &rotation{uses: uses, hot: make([]int, hot), spent: make([]int, hot), issued: hot}
	for i := range r.hot {
		r.hot[i] = i
	}
	return r
}

// next is a hot key for one use.
func (r *rotation) next(rng *rand.Rand) int {
	i := rng.IntN(len(r.hot))
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.hot[i]
	if r.spent[i]++; r.spent[i] == r.uses {
		r.hot[i], r.spent[i] = r.issued, 0
		r.issued++
	}
	return k
}

// all is how many keys there were.
func (r *rotation) all() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.issued
}
