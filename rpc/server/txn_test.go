package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// eachWay runs a test over every protocol, on a fresh site with two shards, [01, m) and [m, ∞).
func eachWay(t *testing.T, f func(t *testing.T, u user)) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) { f(t, user{t, newSite(t, newWorld(t, "m"), nil), w}) })
	}
}

// A transaction from one gateway to the next: they share the shards and nothing else.
func TestTransactionGoesFromNodeToNode(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			cluster := newWorld(t, "m")
			a, b, c := user{t, newSite(t, cluster, nil), w}, user{t, newSite(t, cluster, nil), w}, user{t, newSite(t, cluster, nil), w}
			a.commit(nil, put("a", "1"), put("z", "1"))
			tx := a.begin()
			require.Equal(t, tx.Id, tx.ReadTimestamp)
			b.commit(nil, put("z", "2")) // after tx began: tx does not see it
			got := b.get(tx, "z", "a", "nothing", "a")
			tx = got.Txn
			require.Equal(t, []string{"z=1", "a=1", "nothing", "a=1"}, show(got.Entries))
			first := c.commit(tx, put("a", "2"), put("q", "new"))
			require.Equal(t, first, a.commit(tx, put("a", "2"), put("q", "new")), "the same Commit, the same timestamp")
			require.Equal(t, first, b.get(nil, "q").Entries[0].CommitTimestamp)
			require.Greater(t, first, tx.Id)
		})
	}
}

func show(entries []*shalev1.Entry) []string {
	out := []string{}
	for _, e := range entries {
		if e.Found {
			out = append(out, fmt.Sprintf("%s=%s", e.Key, e.Value))
		} else {
			out = append(out, string(e.Key))
		}
	}
	return out
}

func TestCommitWithoutMutations(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.begin()
		require.Equal(t, tx.ReadTimestamp, u.commit(tx), "the read timestamp where nothing was written")
		require.Greater(t, u.commit(nil), tx.ReadTimestamp)
		require.Zero(t, u.st.sent, "and no shard is asked")
	})
}

func TestDeleteFollowedByInsertIsPut(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("a", "1"))
		u.commit(u.begin(), mutation(del, "a", ""), mutation(ins, "a", "2"))
		u.commit(nil, mutation(del, "b", ""), mutation(ins, "b", "3"))
		u.commit(nil, mutation(del, "b", ""))
		require.Equal(t, []string{"a=2", "b"}, show(u.get(nil, "a", "b").Entries))
	})
}

func TestRollbackAndOutcome(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		outcome := func(tx *shalev1.Txn, primary string) string {
			res := &shalev1.OutcomeResponse{}
			u.ok(&shalev1.OutcomeRequest{Txn: tx, Primary: []byte(primary)}, res)
			return fmt.Sprintf("%s %d", res.State, res.CommitTimestamp)
		}
		rollback := func(tx *shalev1.Txn, primary string) string {
			res := &shalev1.RollbackResponse{}
			u.ok(&shalev1.RollbackRequest{Txn: tx, Primary: []byte(primary)}, res)
			return fmt.Sprintf("%s %d", res.State, res.CommitTimestamp)
		}
		committed, bare := u.begin(), func(tx *shalev1.Txn) *shalev1.Txn { return &shalev1.Txn{Id: tx.Id} }
		require.Equal(t, "STATE_PENDING 0", outcome(committed, "a"))
		at := u.commit(committed, put("a", "1"), put("z", "1"))
		for _, tx := range []*shalev1.Txn{committed, bare(committed)} { // the id is enough
			require.Equal(t, fmt.Sprintf("STATE_COMMITTED %d", at), outcome(tx, "a"))
			require.Equal(t, fmt.Sprintf("STATE_COMMITTED %d", at), rollback(tx, "a"), "what was decided")
		}
		aborted := u.begin()
		require.Equal(t, "STATE_ABORTED 0", rollback(bare(aborted), "a"))
		require.Equal(t, "STATE_ABORTED 0", rollback(aborted, "a"), "again")
		require.Equal(t, "STATE_ABORTED 0", outcome(aborted, "a"))
		require.Equal(t, "STATE_PENDING 0", outcome(aborted, "other key"), "asking decides nothing")

		never := u.begin()
		sent := u.st.sent
		require.Equal(t, "STATE_PENDING 0", rollback(never, ""))
		require.Equal(t, sent, u.st.sent, "nothing to roll back, and nothing is recorded")
		u.commit(never, put("b", "1"))

		old := u.begin()
		u.st.shards[0].leader.Safepoint = timestamp.Timestamp(old.Id + 1)
		require.Equal(t, "STATE_EXPIRED 0", outcome(old, "a"))
	})
}

// pages scans to the end, as a client does; it returns all entries and the sizes of the pages.
func (u user) pages(req *shalev1.ScanRequest) (all []*shalev1.Entry, sizes []int) {
	for {
		res := &shalev1.ScanResponse{}
		u.ok(req, res)
		all, sizes = append(all, res.Entries...), append(sizes, len(res.Entries))
		if req.Txn != nil {
			require.Equal(u.t, req.Txn.ReadTimestamp, res.Txn.ReadTimestamp)
		}
		req.Txn = res.Txn
		if !res.More {
			require.Empty(u.t, res.ResumeKey)
			return all, sizes
		}
		if req.Reverse {
			req.End = res.ResumeKey
		} else {
			req.Start = res.ResumeKey
		}
	}
}

func TestScan(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		var ms []*shalev1.Mutation
		var want []string
		for c := 'a'; c <= 'z'; c++ {
			ms = append(ms, put(string(c), "v"))
			want = append(want, string(c)+"=v")
		}
		u.commit(nil, ms...)
		u.commit(nil, mutation(del, "n", ""))
		want = slices.DeleteFunc(want, func(s string) bool { return s == "n=v" })
		back := slices.Clone(want)
		slices.Reverse(back)
		for _, limit := range []uint32{0, 1, 5, 25, 26, 1 << 31} {
			all, sizes := u.pages(&shalev1.ScanRequest{Limit: limit})
			require.Equal(t, want, show(all), "limit %d", limit)
			for _, n := range sizes {
				require.True(t, limit == 0 || n <= int(limit))
			}
			all, _ = u.pages(&shalev1.ScanRequest{Limit: limit, Reverse: true})
			require.Equal(t, back, show(all), "limit %d", limit)
		}
		all, _ := u.pages(&shalev1.ScanRequest{Start: []byte("l"), End: []byte("p"), KeysOnly: true, Limit: 2})
		require.Equal(t, []string{"l=", "m=", "o="}, show(all))
		all, _ = u.pages(&shalev1.ScanRequest{Start: []byte("p"), End: []byte("l")})
		require.Empty(t, all)
	})
}

// All pages of a scan without a transaction are of one snapshot, and nobody writes in it.
func TestScanWithoutATransactionGoesOnReadOnly(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("a", "1"), put("b", "1"))
		first, second := &shalev1.ScanResponse{}, &shalev1.ScanResponse{}
		u.ok(&shalev1.ScanRequest{Limit: 1}, first)
		u.commit(nil, put("b", "2"))
		u.ok(&shalev1.ScanRequest{Txn: first.Txn, Start: first.ResumeKey}, second)
		require.Equal(t, []string{"b=1"}, show(second.Entries))
		got := u.way.call(t, u.st, &shalev1.CommitRequest{Txn: second.Txn, Mutations: []*shalev1.Mutation{put("a", "2")}},
			&shalev1.CommitResponse{})
		require.Equal(t, "READ_ONLY", got.detail.GetReason())
	})
}

// A page is at most 2 MiB of keys and values, or one entry, also where it goes on into the
// next shard.
func TestPagesAreBounded(t *testing.T) {
	u := user{t, newSite(t, newWorld(t, "m"), nil), ways()[1]}
	sizes := map[string]int{"a": 3 << 20, "b": 1 << 20, "c": 1<<20 - 2, "d": 1, "l": 1 << 20, "m": 4 << 20, "n": 1, "o": 2 << 20}
	for k, n := range sizes {
		u.commit(nil, put(k, strings.Repeat("v", n)))
	}
	for _, reverse := range []bool{false, true} {
		req, seen := &shalev1.ScanRequest{Reverse: reverse}, 0
		for more := true; more; {
			res := &shalev1.ScanResponse{}
			u.ok(req, res)
			size := 0
			for _, e := range res.Entries {
				size += len(e.Key) + len(e.Value)
			}
			require.True(t, size <= pageMax || len(res.Entries) == 1, "%d bytes in %d entries", size, len(res.Entries))
			seen += len(res.Entries)
			req.Txn, more = res.Txn, res.More
			if reverse {
				req.End = res.ResumeKey
			} else {
				req.Start = res.ResumeKey
			}
		}
		require.Equal(t, len(sizes), seen)
	}
}

// S9, P1: an autocommit whose reply was lost is never sent under another id, where it could be
// done twice; and the ids that it answers with tell what became of it.
func TestLostAutocommitIsAskedAbout(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		var mu sync.Mutex
		ids := map[timestamp.Timestamp]bool{}
		u.st.after = func(c *routing.Call) {
			if p, ok := c.Req.(*mvcc.PrewriteArgs); ok {
				mu.Lock()
				ids[p.Start] = true
				mu.Unlock()
				c.Res, c.Err = nil, &routing.UnavailableError{Shard: c.To.ID, Why: "connection lost", Maybe: true}
			}
		}
		got := u.way.call(t, u.st, &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("a", "1")}}, &shalev1.CommitResponse{})
		require.Equal(t, "OUTCOME_UNKNOWN", got.detail.GetReason())
		require.Len(t, ids, 1)
		res := &shalev1.OutcomeResponse{}
		u.ok(&shalev1.OutcomeRequest{Txn: &shalev1.Txn{Id: got.detail.TxnId}, Primary: got.detail.Key}, res)
		require.Equal(t, shalev1.State_STATE_COMMITTED, res.State)
		require.Equal(t, res.CommitTimestamp, u.get(nil, "a").Entries[0].CommitTimestamp)
	})
}

// P1: a Commit with a transaction whose reply was lost is sent again and answers the same.
func TestLostCommitIsSentAgain(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx, ms := u.begin(), []*shalev1.Mutation{put("a", "1")}
		lost(u.st.world)
		got := u.way.call(t, u.st, &shalev1.CommitRequest{Txn: tx, Mutations: ms}, &shalev1.CommitResponse{})
		require.Equal(t, "OUTCOME_PENDING", got.detail.GetReason())
		u.st.after = nil
		at := u.get(nil, "a").Entries[0].CommitTimestamp
		require.Equal(t, at, u.commit(tx, ms...))
	})
}

// stuck makes shards answer when the call's context ends, and not before.
func stuck(w *world) {
	w.before = func(ctx context.Context, c *routing.Call) (routing.Response, error) {
		<-ctx.Done()
		return nil, &routing.UnavailableError{Shard: c.To.ID, Why: ctx.Err().Error(), Maybe: true}
	}
}

// The caller's deadline is the caller's: deadline_exceeded. An autocommit's ids are said all
// the same. The node's own deadline is no business of the caller: unavailable.
func TestDeadlines(t *testing.T) {
	w := newWorld(t)
	st := newSite(t, w, func(c *Config) { c.UnaryTimeout = 30 * time.Millisecond })
	tx := user{t, st, ways()[0]}.begin()
	stuck(w)
	get, commit, auto := `{"keys":["aw=="]}`, fmt.Sprintf(`{"txn":{"id":"%d","readTimestamp":"%d","state":"%s"},"mutations":[{"op":"OP_PUT","key":"aw=="}]}`,
		tx.Id, tx.ReadTimestamp, base64Of(tx.State)), `{"mutations":[{"op":"OP_PUT","key":"aw=="}]}`
	for _, c := range []struct{ method, body, timeout, code, reason string }{
		{"Get", get, "20", "deadline_exceeded", "DEADLINE_EXCEEDED"},
		{"Commit", commit, "20", "deadline_exceeded", "DEADLINE_EXCEEDED"},
		{"Commit", auto, "20", "unknown", "OUTCOME_UNKNOWN"},
		{"Get", get, "", "unavailable", "UNAVAILABLE"},
		{"Commit", commit, "", "unavailable", "OUTCOME_PENDING"},
		{"Commit", auto, "", "unknown", "OUTCOME_UNKNOWN"},
	} {
		var headers []string
		if c.timeout != "" {
			headers = []string{"Connect-Timeout-Ms", c.timeout}
		}
		got := st.post(t, c.method, []byte(c.body), nil, headers...)
		require.NotNil(t, got, c)
		require.Equal(t, c.code, got.code, "%+v: %s", c, got.message)
		require.Equal(t, c.reason, got.detail.GetReason(), c)
		require.True(t, strings.HasPrefix(got.message, c.reason+": "), got.message)
	}
}

// A caller that goes ends what was done for it.
func TestCallerThatGoesEndsItsCall(t *testing.T) {
	w := newWorld(t)
	st := newSite(t, w, nil)
	began, ended := make(chan struct{}, 1), make(chan error, 1)
	w.before = func(ctx context.Context, _ *routing.Call) (routing.Response, error) {
		began <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan error, 1)
	go func() {
		_, err := grpcCall(ctx, st, &shalev1.GetRequest{Keys: [][]byte{[]byte("k")}})
		heard <- err
	}()
	<-began
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, <-heard, context.Canceled)
}

// Until a node has its place in a cluster, it says so.
func TestBeforeTheClusterExists(t *testing.T) {
	for _, w := range ways() {
		st := newSite(t, newWorld(t), func(c *Config) {
			c.Member = func() (*Member, error) { return nil, errors.New("no cluster yet: run shale init") }
		})
		got := w.call(t, st, &shalev1.BeginRequest{}, &shalev1.BeginResponse{})
		require.Equal(t, "unavailable", got.code)
		require.Equal(t, "UNAVAILABLE: no cluster yet: run shale init", got.message)
	}
}
