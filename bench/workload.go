package bench

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/shaledb/shale/mvcc"
)

// Workload is one kind of work. Its methods but Prepare and Verify are called from many
// goroutines at once.
type Workload interface {
	// Prepare loads the data, with as many threads as it is given. Data that an earlier
	// run left are used again.
	Prepare(ctx context.Context, s Store, threads int) error
	// Generate makes the thread's next operation. All chance comes from rng.
	Generate(rng *rand.Rand, thread int) Op
	// Execute does the operation, and says how often its body was run again. It notes what
	// Verify will need.
	Execute(ctx context.Context, s Store, op Op) (retries int, err error)
	// Verify checks what the store holds against what was acknowledged; a promise that was
	// broken is a *BrokenError. It returns what a person may want to read about it.
	Verify(ctx context.Context, s Store) (findings []string, err error)
	// SplitKeys is where to split the key space, so that the work spreads over n shards.
	SplitKeys(n int) []mvcc.Key
}

// Op is one operation. Its dynamic type belongs to its workload.
type Op interface {
	// Kind names its histogram: read, update, transfer.
	Kind() string
}

// Laned operations say which parts of the store they touch, numbered from 0. The longest
// time without a success is kept for each: when one shard of eight is away, that lane shows
// it though the others go on.
type Laned interface{ Lanes() []int }

// Watched workloads have something that holds at every moment. The runner calls Watch
// beside the threads, again and again; one call is one check.
type Watched interface {
	Watch(ctx context.Context, s Store) error
}

// Closer workloads hold something open, a ledger's file. The caller of New closes it.
type Closer interface{ Close() error }

// BrokenError: the store broke a promise. Nothing else matters then.
type BrokenError struct{ What string }

func (e *BrokenError) Error() string { return "BROKEN: " + e.What }

func brokenf(format string, args ...any) error {
	return &BrokenError{What: fmt.Sprintf(format, args...)}
}

// Names are the workloads that New knows.
func Names() []string {
	return []string{"ycsb", "put", "get", "scan50", "transfer2", "bank", "append", "registers", "skew", "contend", "commit"}
}

// New makes a workload by name. An unknown name or property, or a bad value, is an
// *mvcc.InvalidError.
func New(name string, p Properties) (Workload, error) {
	r := newPropertyReader(p)
	var w Workload
	var err error
	switch name {
	case "ycsb":
		w, err = newYCSB(r)
	case "put", "get", "scan50", "transfer2":
		w, err = newRaw(name, r)
	case "bank":
		w, err = newBank(r)
	case "append":
		w, err = newAppend(r)
	case "registers":
		w, err = newRegisters(r)
	case "skew":
		w, err = newSkew(r)
	case "contend":
		w, err = newContend(r)
	case "commit":
		w, err = newCommits(r)
	default:
		return nil, &mvcc.InvalidError{Reason: "WORKLOAD", What: fmt.Sprintf("no workload %q", name),
			Hint: fmt.Sprintf("there are %v", Names())}
	}
	if err != nil {
		return nil, err
	}
	return w, r.finish()
}
