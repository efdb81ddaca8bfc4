package main

import (
	"cmp"
	"context"
	"iter"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// scanPage is how many rows one request of an unlimited scan asks for.
const scanPage = 1000

// etcd is a bench.Store on an etcd cluster.
type etcd struct{ client *clientv3.Client }

func openEtcd(hosts []string) (bench.Store, func(), error) {
	c, err := clientv3.New(clientv3.Config{Endpoints: hosts, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return nil, nil, err
	}
	return &etcd{c}, func() { _ = c.Close() }, nil // nothing is lost with a connection
}

func (s *etcd) Get(ctx context.Context, k mvcc.Key) ([]byte, bool, error) {
	r, err := s.client.Get(ctx, string(k))
	if err != nil || len(r.Kvs) == 0 {
		return nil, false, err
	}
	return r.Kvs[0].Value, true, nil
}

func (s *etcd) Put(ctx context.Context, k mvcc.Key, v []byte) error {
	_, err := s.client.Put(ctx, string(k), string(v))
	return err
}

// Scan pages through one revision, that of the first page.
func (s *etcd) Scan(ctx context.Context, start, end mvcc.Key, limit int) iter.Seq2[bench.Entry, error] {
	return func(yield func(bench.Entry, error) bool) {
		// A zero byte is etcd's way to say: from the first key on, and: past the last one.
		last := cmp.Or(string(end), "\x00")
		start = cmp.Or(start, "\x00")
		for revision, left := int64(0), limit; ; {
			page := scanPage
			if limit > 0 {
				page = min(page, left)
			}
			r, err := s.client.Get(ctx, string(start), clientv3.WithRange(last),
				clientv3.WithLimit(int64(page)), clientv3.WithRev(revision))
			if err != nil {
				yield(bench.Entry{}, err)
				return
			}
			for _, kv := range r.Kvs {
				if !yield(bench.Entry{Key: mvcc.Key(kv.Key), Value: kv.Value}, nil) {
					return
				}
			}
			left -= len(r.Kvs)
			if !r.More || limit > 0 && left == 0 {
				return
			}
			start, revision = mvcc.Key(r.Kvs[len(r.Kvs)-1].Key).Successor(), r.Header.Revision
		}
	}
}

// Update reads at one revision and commits on condition that nothing read has changed. A
// failed condition is a definite abort; a failed request may have been done.
func (s *etcd) Update(ctx context.Context, f func(context.Context, bench.Tx) error) error {
	for {
		tx := &etcdTx{s: s, read: map[mvcc.Key]int64{}}
		if err := f(ctx, tx); err != nil {
			return err
		}
		r, err := s.client.Txn(ctx).If(tx.conditions()...).Then(tx.puts...).Commit()
		if err != nil {
			return &mvcc.UndeterminedError{StartTS: timestamp.Timestamp(tx.revision), Cause: err}
		}
		if r.Succeeded {
			return nil
		}
		if err := backOff(ctx); err != nil {
			return err
		}
	}
}

// backOff waits up to two milliseconds, so that those who collided do not again.
func backOff(ctx context.Context) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(2 * time.Millisecond))))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// etcdTx is one attempt.
type etcdTx struct {
	s        *etcd
	revision int64
	read     map[mvcc.Key]int64 // key → the revision that last changed it; 0: absent
	puts     []clientv3.Op
}

// Get asks for all keys in one request.
func (tx *etcdTx) Get(ctx context.Context, keys ...mvcc.Key) ([][]byte, error) {
	ops := make([]clientv3.Op, len(keys))
	for i, k := range keys {
		ops[i] = clientv3.OpGet(string(k), clientv3.WithRev(tx.revision))
	}
	r, err := tx.s.client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return nil, err
	}
	tx.revision = r.Header.Revision
	out := make([][]byte, len(keys))
	for i, k := range keys {
		tx.read[k] = 0
		if kvs := r.Responses[i].GetResponseRange().Kvs; len(kvs) > 0 {
			out[i], tx.read[k] = kvs[0].Value, kvs[0].ModRevision
		}
	}
	return out, nil
}

func (tx *etcdTx) Put(k mvcc.Key, v []byte) error {
	tx.puts = append(tx.puts, clientv3.OpPut(string(k), string(v)))
	return nil
}

func (tx *etcdTx) conditions() []clientv3.Cmp {
	var out []clientv3.Cmp
	for k, revision := range tx.read {
		out = append(out, clientv3.Compare(clientv3.ModRevision(string(k)), "=", revision))
	}
	return out
}
