package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shaledb/shale/mvcc"
)

// records is a table of YCSB's kind: numbered records with keys such as user6284781860667377211.
// A record is one value of all its fields together; it begins with its own key, so that a
// read can tell whether it got what it asked for.
type records struct {
	count   uint64
	size    int
	hashed  bool
	padding int
	suffix  string // keeps tables apart that share their shards
}

func (r *records) read(p *propertyReader, suffix string) {
	r.count = uint64(p.integer("recordcount", 1000))
	r.size = int(p.integer("fieldcount", 10) * p.integer("fieldlength", 100))
	p.choice("fieldlengthdistribution", "constant")
	r.hashed = p.choice("insertorder", "hashed", "ordered") == "hashed"
	r.padding = int(p.integer("zeropadding", 1))
	r.suffix = suffix
	if r.count == 0 {
		p.fail("recordcount", "0", "at least 1")
	}
	if r.size < 32 || r.size > mvcc.MaxValueSize {
		p.fail("fieldcount × fieldlength", strconv.Itoa(r.size), "32 bytes to 4 MiB for the whole record")
	}
}

// key is the name of record n.
func (r *records) key(n uint64) mvcc.Key {
	if r.hashed {
		n = fnv(n)
	}
	digits := strconv.FormatUint(n, 10)
	if missing := r.padding - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return mvcc.Key("user" + digits + r.suffix)
}

// value makes a record: its key, then chance.
func (r *records) value(k mvcc.Key, rng *rand.Rand) []byte {
	v := make([]byte, r.size+8)
	n := copy(v, k)
	v[n] = ' '
	for i := n + 1; i < r.size; i += 8 {
		binary.LittleEndian.PutUint64(v[i:], rng.Uint64())
	}
	return v[:r.size]
}

// check says whether v is the record at k.
func (r *records) check(k mvcc.Key, v []byte) error {
	if len(v) != r.size || !bytes.HasPrefix(v, append([]byte(k), ' ')) {
		return brokenf("the record at %s is %d bytes and begins with %s", mvcc.FormatKey(k), len(v), mvcc.FormatValue(v, 40))
	}
	return nil
}

// loadPatience bounds how long one record's write is tried.
const loadPatience = time.Minute

// load writes all records that were not written by an earlier run: a marker says so, since
// a half loaded table must be loaded again.
func (r *records) load(ctx context.Context, s Store, threads int, fill func(mvcc.Key, *rand.Rand) []byte) error {
	marker := mvcc.Key(fmt.Sprintf("loaded/%d×%d/%v/%d%s", r.count, r.size, r.hashed, r.padding, r.suffix))
	if _, found, err := s.Get(ctx, marker); err != nil || found {
		return err
	}
	var next atomic.Uint64
	g, loading := errgroup.WithContext(ctx)
	for i := range threads {
		rng := rand.New(rand.NewPCG(uint64(i), r.count))
		g.Go(func() error {
			for n := next.Add(1) - 1; n < r.count; n = next.Add(1) - 1 {
				k := r.key(n)
				v := fill(k, rng)
				// Nobody else writes yet, so the same blind write may be sent twice.
				if err := patiently(loading, loadPatience, func() error { return s.Put(loading, k, v) }); err != nil {
					return fmt.Errorf("load %s: %w", mvcc.FormatKey(k), err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.Put(ctx, marker, []byte("1"))
}

// verify reads a sample of the loaded records.
func (r *records) verify(ctx context.Context, s Store) ([]string, error) {
	const sample = 100
	step := max(r.count/sample, 1)
	read := 0
	for n := uint64(0); n < r.count; n += step {
		k := r.key(n)
		v, found, err := s.Get(ctx, k)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, brokenf("the loaded record %s is gone", mvcc.FormatKey(k))
		}
		if err := r.check(k, v); err != nil {
			return nil, err
		}
		read++
	}
	return []string{fmt.Sprintf("%d of %d loaded records read and right", read, r.count)}, nil
}

// SplitKeys cuts the records into n parts of about the same number: at the quantiles of a
// sample of their keys.
func (r *records) SplitKeys(n int) []mvcc.Key {
	const sample = 4096
	var keys []mvcc.Key
	for i := range min(r.count, sample) {
		keys = append(keys, r.key(i*max(r.count/sample, 1)))
	}
	return quantiles(keys, n)
}

// quantiles sorts the keys and cuts them into n parts. A cut is the shortest text that
// separates the keys beside it.
func quantiles(keys []mvcc.Key, n int) []mvcc.Key {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var out []mvcc.Key
	for i := 1; i < n; i++ {
		at := len(keys) * i / n
		if at == 0 {
			continue // fewer keys than parts
		}
		left, right := keys[at-1], keys[at]
		shared := 0
		for shared < len(left) && left[shared] == right[shared] {
			shared++
		}
		out = append(out, right[:shared+1])
	}
	return slices.Compact(out)
}
