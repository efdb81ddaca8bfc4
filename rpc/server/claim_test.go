package server

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// forUpdate claims keys.
func (u user) forUpdate(tx *shalev1.Txn, keys ...string) *shalev1.GetResponse {
	u.t.Helper()
	res := &shalev1.GetResponse{}
	u.ok(&shalev1.GetRequest{Txn: tx, Keys: keysOf(keys...), ForUpdate: true}, res)
	return res
}

// refused sends what is to be refused.
func (u user) refused(req proto.Message) *said {
	u.t.Helper()
	got := u.way.call(u.t, u.st, req, emptyAnswer(req))
	require.NotNil(u.t, got, "%T was answered", req)
	return got
}

func (u user) outcome(tx *shalev1.Txn, primary string) string {
	u.t.Helper()
	res := &shalev1.OutcomeResponse{}
	u.ok(&shalev1.OutcomeRequest{Txn: tx, Primary: []byte(primary)}, res)
	return fmt.Sprintf("%s %d", res.State, res.CommitTimestamp)
}

func (u user) rollback(tx *shalev1.Txn, primary string) string {
	u.t.Helper()
	res := &shalev1.RollbackResponse{}
	u.ok(&shalev1.RollbackRequest{Txn: tx, Primary: []byte(primary)}, res)
	return fmt.Sprintf("%s %d", res.State, res.CommitTimestamp)
}

func claimRequest(tx *shalev1.Txn, keys ...string) *shalev1.GetRequest {
	return &shalev1.GetRequest{Txn: tx, Keys: keysOf(keys...), ForUpdate: true}
}

func commitRequest(tx *shalev1.Txn, ms ...*shalev1.Mutation) *shalev1.CommitRequest {
	return &shalev1.CommitRequest{Txn: tx, Mutations: ms}
}

// claimCases are what claims and heartbeats are refused for.
func claimCases() []refusal {
	ended := func(end func(u user, tx *shalev1.Txn), then func(tx *shalev1.Txn) proto.Message) func(user) proto.Message {
		return func(u user) proto.Message {
			tx := u.forUpdate(u.pessimistic(), "k").Txn
			end(u, tx)
			return then(tx)
		}
	}
	commits := func(u user, tx *shalev1.Txn) { u.commit(tx, put("k", "v")) }
	dies := func(u user, tx *shalev1.Txn) { u.rollback(tx, "") }
	expires := func(u user, _ *shalev1.Txn) {
		u.st.pass(time.Minute)
		u.commit(nil, put("k", "another's"))
	}
	heartbeat := func(tx *shalev1.Txn) proto.Message { return &shalev1.HeartbeatRequest{Txn: tx} }
	claim := func(tx *shalev1.Txn) proto.Message { return claimRequest(tx, "k") }
	claimMore := func(tx *shalev1.Txn) proto.Message { return claimRequest(tx, "k", "l") }
	return []refusal{
		{"invalid_argument", "NOT_PESSIMISTIC", "forUpdate in an optimistic transaction", func(u user) proto.Message {
			return claimRequest(u.begin(), "k")
		}, func(t *testing.T, d *shalev1.ErrorDetail) { require.Contains(t, d.GetHint(), "pessimistic") }},
		{"invalid_argument", "NOT_PESSIMISTIC", "forUpdate in a read-only transaction", func(u user) proto.Message {
			return claimRequest(u.with(&shalev1.BeginRequest{ReadOnly: true}), "k")
		}, nil},
		{"invalid_argument", "NOT_PESSIMISTIC", "forUpdate without a transaction", just(claimRequest(nil, "k")), nil},
		{"invalid_argument", "NOT_PESSIMISTIC", "the heartbeat of an optimistic transaction", func(u user) proto.Message {
			return heartbeat(u.begin())
		}, nil},
		{"invalid_argument", "KEY_EMPTY", "an empty key claimed", func(u user) proto.Message {
			return claimRequest(u.pessimistic(), "k", "")
		}, nil},
		{"permission_denied", "KEY_SYSTEM", "a system key claimed", func(u user) proto.Message {
			return claimRequest(u.pessimistic(), "k", "\x00k")
		}, nil},
		// P33: a handle is no proof that its keys may be touched.
		{"permission_denied", "KEY_SYSTEM", "a forged handle that names a system key", func(u user) proto.Message {
			tx := u.pessimistic()
			return &shalev1.RollbackRequest{Txn: wire.EncodeHandle(&wire.Handle{ID: u.st.now, ReadTS: u.st.now, ClusterID: clusterID,
				Pessimistic: true, Primary: mvcc.Key(fmt.Sprintf("\x00%d", tx.Id))})}
		}, nil},
		{"failed_precondition", "TXN_ENDED", "the heartbeat of a committed transaction", ended(commits, heartbeat), names("k")},
		{"failed_precondition", "TXN_ENDED", "a claim of a committed transaction", ended(commits, claim), names("k")},
		{"aborted", "TXN_ABORTED", "the heartbeat of a transaction rolled back", ended(dies, heartbeat), asks("k")},
		{"aborted", "TXN_ABORTED", "a claim of a transaction rolled back", ended(dies, claimMore), asks("k")},
		{"aborted", "TXN_ABORTED", "the heartbeat of a transaction that expired", ended(expires, heartbeat), asks("k")},
		{"aborted", "TXN_ABORTED", "a claim of a transaction that expired", ended(expires, claim), asks("k")},
		{"aborted", "TXN_ABORTED", "the Commit of a transaction that expired", ended(expires, func(tx *shalev1.Txn) proto.Message {
			return commitRequest(tx, put("k", "v"), put("l", "v"))
		}), nil},
		{"aborted", "TXN_ABORTED", "a Commit whose claim is lost, and not written", ended(expires, func(tx *shalev1.Txn) proto.Message {
			return commitRequest(tx, put("l", "v"))
		}), nil},
	}
}

// For update the newest is read, and the transaction goes on there: all that it reads is of
// one state (P12).
func TestForUpdateMovesTheReadTimestamp(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.pessimistic()
		newer := u.commit(nil, put("a", "1"), put("z", "1"))
		got := u.forUpdate(tx, "z", "nothing", "z")
		require.Equal(t, []string{"z=1", "nothing", "z=1"}, show(got.Entries))
		require.Equal(t, tx.Id, got.Txn.Id)
		require.GreaterOrEqual(t, got.Txn.ReadTimestamp, newer)
		require.Equal(t, []string{"a=1"}, show(u.get(got.Txn, "a").Entries))
		at := u.commit(got.Txn, put("a", "2"), put("z", "2"))
		require.Equal(t, at, u.commit(got.Txn, put("a", "2"), put("z", "2")), "the same Commit, the same timestamp")
		require.Equal(t, []string{"a=2", "z=2"}, show(u.get(nil, "a", "z").Entries))
		u.st.settle()
		require.Empty(t, u.st.locks())
	})
}

// S5: after a plain read the transaction stays at its snapshot, and a claim that finds something
// newer is aborted; one that finds nothing newer is not.
func TestForUpdateAfterAPlainRead(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		for _, read := range []func(tx *shalev1.Txn) *shalev1.Txn{
			func(tx *shalev1.Txn) *shalev1.Txn { return u.get(tx, "a").Txn },
			func(tx *shalev1.Txn) *shalev1.Txn {
				res := &shalev1.ScanResponse{}
				u.ok(&shalev1.ScanRequest{Txn: tx}, res)
				return res.Txn
			},
		} {
			u.commit(nil, put("a", "1"), put("b", "1"), put("z", "1"))
			tx := read(u.pessimistic())
			u.commit(nil, put("b", "2"))
			got := u.forUpdate(tx, "z")
			require.Equal(t, tx.ReadTimestamp, got.Txn.ReadTimestamp, "it stays")
			refused := u.refused(claimRequest(got.Txn, "b"))
			require.Equal(t, "aborted WRITE_CONFLICT b", fmt.Sprintf("%s %s %s", refused.code, refused.detail.Reason, refused.detail.Key))
			require.Equal(t, "aborted", u.refused(commitRequest(got.Txn, put("z", "2"))).code)
			u.st.settle()
			require.Empty(t, u.st.locks(), "and it keeps nobody waiting")
		}
	})
}

// A Get of no keys reads nothing, and fixes nothing.
func TestEmptyGetFixesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.get(u.pessimistic()).Txn
		tx = u.forUpdate(tx).Txn
		u.commit(nil, put("k", "1"))
		require.Equal(t, []string{"k=1"}, show(u.forUpdate(tx, "k").Entries))
	})
}

// A claim keeps writers away and readers not. What its holder writes nothing to is free with
// its end.
func TestClaimsKeepOthersAway(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		u.commit(nil, put("k", "1"), put("z", "1"))
		early := u.begin()
		tx := u.forUpdate(u.pessimistic(), "k", "z").Txn
		require.Equal(t, []string{"k=1", "z=1"}, show(u.get(u.begin(), "k", "z").Entries), "reads go on")
		require.Equal(t, []string{"k=1"}, show(u.get(nil, "k").Entries))
		late := u.get(u.begin(), "k").Txn
		require.Equal(t, "aborted", u.refused(commitRequest(early, put("k", "2"))).code, "it cannot get through any more")
		require.Equal(t, "unavailable", u.refused(commitRequest(late, put("k", "2"))).code, "it waits")
		require.Equal(t, "unavailable", u.refused(commitRequest(nil, put("z", "2"))).code)
		require.Equal(t, "unavailable", u.refused(claimRequest(u.pessimistic(), "z")).code)
		u.commit(tx, put("k", "3"))
		u.st.settle()
		require.Empty(t, u.st.locks())
		u.commit(nil, put("z", "3"))
		require.Equal(t, "aborted", u.refused(commitRequest(late, put("k", "2"))).code)
		require.Equal(t, []string{"k=3", "z=3"}, show(u.get(nil, "k", "z").Entries))
	})
}

// A pessimistic transaction from one gateway to the next: the handle knows the primary, which
// is the first key claimed, wherever it stands among the mutations; also where it is not there.
func TestPessimisticTransactionGoesFromNodeToNode(t *testing.T) {
	for _, ms := range [][]*shalev1.Mutation{
		{put("z", "2"), put("a", "2"), put("m", "2")},
		{put("a", "2"), put("b", "2")},
		{put("z", "2")},
		{put("b", "2")},
	} {
		for _, w := range ways() {
			cluster := newWorld(t, "m")
			a, b, c := user{t, newSite(t, cluster, nil), w}, user{t, newSite(t, cluster, nil), w}, user{t, newSite(t, cluster, nil), w}
			tx := b.forUpdate(a.pessimistic(), "z").Txn
			tx = c.forUpdate(tx, "a", "q").Txn
			beat := &shalev1.HeartbeatResponse{}
			b.ok(&shalev1.HeartbeatRequest{Txn: tx}, beat)
			require.Equal(t, "STATE_PENDING 0", c.outcome(beat.Txn, ""))
			at := a.commit(beat.Txn, ms...)
			committed := fmt.Sprintf("STATE_COMMITTED %d", at)
			require.Equal(t, at, c.commit(beat.Txn, ms...), "again")
			require.Equal(t, committed, b.outcome(beat.Txn, ""), "the handle knows the primary")
			require.Equal(t, committed, b.outcome(beat.Txn, "b"), "whatever the request says")
			require.Equal(t, committed, b.outcome(&shalev1.Txn{Id: tx.Id}, "z"), "the first key claimed")
			require.Equal(t, committed, b.rollback(beat.Txn, ""), "what was decided")
			for _, u := range []user{a, b, c} {
				u.st.settle()
			}
			require.Empty(t, cluster.locks())
			require.Equal(t, at, a.get(nil, string(ms[0].Key)).Entries[0].CommitTimestamp)
			other := append(slices.Clone(ms), put("more", ""))
			require.Equal(t, "CONTENT_MISMATCH", a.refused(commitRequest(beat.Txn, other...)).detail.Reason)
		}
	}
}

// A rollback needs the handle and nothing else, and frees the claims at once.
func TestRollbackFreesClaims(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		none := u.pessimistic()
		require.Equal(t, "STATE_PENDING 0", u.rollback(none, ""), "nothing was claimed")
		require.Zero(t, u.st.applied, "and nothing is recorded")
		tx := u.forUpdate(none, "a", "z").Txn
		require.Equal(t, []string{"a", "z"}, u.st.locks())
		for range 2 {
			require.Equal(t, "STATE_ABORTED 0", u.rollback(tx, ""))
			u.st.settle()
			require.Empty(t, u.st.locks())
			require.Equal(t, "STATE_ABORTED 0", u.outcome(tx, ""))
		}
		require.Equal(t, "aborted", u.refused(commitRequest(tx, put("z", "1"))).code)
		require.Equal(t, []string{"a", "z"}, show(u.get(nil, "a", "z").Entries))
	})
}

// A Commit of claims alone ends the transaction, and the claims with it.
func TestCommitOfClaimsAlone(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.forUpdate(u.pessimistic(), "a", "z").Txn
		for range 2 {
			require.Equal(t, tx.ReadTimestamp, u.commit(tx), "the read timestamp where nothing was written")
			u.st.settle()
			require.Empty(t, u.st.locks())
		}
		require.Contains(t, u.outcome(tx, ""), "STATE_COMMITTED")
	})
}

// Heartbeats keep claims alive, and the lack of them lets go of them. How often to send them
// stands in every handle.
func TestHeartbeats(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.pessimistic()
		every := time.Duration(tx.HeartbeatMs) * time.Millisecond
		require.Greater(t, every, 500*time.Millisecond)
		require.Zero(t, u.begin().HeartbeatMs, "there is nothing to keep alive")
		u.ok(&shalev1.HeartbeatRequest{Txn: tx}, &shalev1.HeartbeatResponse{}) // nor is here, yet
		tx = u.forUpdate(tx, "k").Txn
		for range 10 {
			require.EqualValues(t, every.Milliseconds(), tx.HeartbeatMs)
			u.st.pass(2 * every)
			res := &shalev1.HeartbeatResponse{}
			u.ok(&shalev1.HeartbeatRequest{Txn: tx}, res)
			require.True(t, proto.Equal(tx, res.Txn), "it says nothing new")
			tx = res.Txn
		}
		require.Equal(t, "unavailable", u.refused(commitRequest(nil, put("k", "1"))).code, "it is alive")
		u.st.pass(10 * every)
		u.commit(nil, put("k", "1"))
		require.Equal(t, "TXN_ABORTED", u.refused(&shalev1.HeartbeatRequest{Txn: tx}).detail.Reason)
	})
}

// A handle lists so many claims and no more: the others are let go of by those who meet them.
func TestManyClaims(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		var keys []string
		for i := range 100 {
			keys = append(keys, fmt.Sprintf("k%03d", i))
		}
		tx := u.forUpdate(u.pessimistic(), keys...).Txn
		require.Less(t, len(tx.State), 9<<10)
		require.Len(t, u.st.locks(), 100)
		u.rollback(tx, "")
		u.st.settle()
		require.Equal(t, keys[64:], u.st.locks())
		got := u.forUpdate(u.pessimistic(), keys[99], keys[64]).Txn
		u.commit(got, put(keys[64], "1"))
		u.st.settle()
		require.NotContains(t, u.st.locks(), keys[64])
	})
}

// The answer to the first claim is lost, so the client's handle knows of none. It sends the
// same again. With another key first it is told to begin again: its claims may not hang on a
// key that nobody keeps alive.
func TestLostAnswerToAClaim(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.pessimistic()
		u.forUpdate(tx, "a", "z")
		tx = u.forUpdate(tx, "a", "z").Txn
		at := u.commit(tx, put("z", "1"))
		u.st.settle()
		require.Empty(t, u.st.locks())
		require.Equal(t, fmt.Sprintf("STATE_COMMITTED %d", at), u.outcome(&shalev1.Txn{Id: tx.Id}, "a"))

		tx = u.pessimistic()
		u.forUpdate(tx, "a", "z")
		require.Equal(t, "TXN_ABORTED", u.refused(claimRequest(tx, "z", "a")).detail.Reason)
	})
}

// S23: the victim of a deadlock hears who waits for whom, and nothing of its own stands any more.
func TestDeadlockIsTold(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.forUpdate(u.pessimistic(), "a").Txn
		u.st.before = func(_ context.Context, c *routing.Call) (routing.Response, error) {
			if a, ok := c.Req.(*mvcc.ClaimArgs); ok {
				return nil, &mvcc.DeadlockError{StartTS: a.Start, Key: "z", Cycle: []mvcc.WaitEdge{
					{Waiter: a.Start, Holder: 7, Key: "z"}, {Waiter: 7, Holder: a.Start, Key: "a"}}}
			}
			return nil, nil
		}
		got := u.refused(claimRequest(tx, "z"))
		u.st.settle()
		require.Equal(t, "aborted DEADLOCK", got.code+" "+got.detail.Reason)
		require.Contains(t, got.message, "7 waits for a, which "+fmt.Sprint(tx.Id)+" holds")
		require.Equal(t, "z", string(got.detail.Key))
		require.Equal(t, tx.Id, got.detail.TxnId)
		require.Len(t, got.detail.Cycle, 2)
		require.Equal(t, fmt.Sprintf("7 %d a", tx.Id), fmt.Sprintf("%d %d %s", got.detail.Cycle[1].Waiter, got.detail.Cycle[1].Holder,
			got.detail.Cycle[1].Key))
		require.Empty(t, u.st.locks())
		require.Equal(t, "STATE_ABORTED 0", u.outcome(tx, ""))
	})
}

// The caller's deadline ends a wait for a claim, and the claim may be asked for again.
func TestClaimWaitsNoLongerThanTheCaller(t *testing.T) {
	u := user{t, newSite(t, newWorld(t), nil), ways()[0]}
	tx := u.pessimistic()
	stuck(u.st.world)
	body := fmt.Sprintf(`{"txn":{"id":"%d","readTimestamp":"%d","state":"%s"},"keys":["aw=="],"forUpdate":true}`,
		tx.Id, tx.ReadTimestamp, base64Of(tx.State))
	got := u.st.post(t, "Get", []byte(body), nil, "Connect-Timeout-Ms", "20")
	require.NotNil(t, got)
	require.Equal(t, "deadline_exceeded DEADLINE_EXCEEDED", got.code+" "+got.detail.Reason)
}

// A reader that holds claims says so to the shards: its wait may close a cycle (S23).
func TestReadsOfAHolderNameItsPrimary(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.forUpdate(u.pessimistic(), "a").Txn
		seen := 0
		u.st.after = func(c *routing.Call) {
			switch a := c.Req.(type) {
			case *mvcc.GetArgs:
				seen++
				require.Equal(t, mvcc.Key("a"), a.Primary)
			case *mvcc.ScanArgs:
				seen++
				require.Equal(t, mvcc.Key("a"), a.Primary)
			}
		}
		u.ok(&shalev1.ScanRequest{Txn: u.get(tx, "b").Txn, End: []byte("c")}, &shalev1.ScanResponse{})
		require.Equal(t, 2, seen)
	})
}

// A shard that is away ends the call and not the transaction.
func TestClaimOfAShardThatIsAway(t *testing.T) {
	eachWay(t, func(t *testing.T, u user) {
		tx := u.pessimistic()
		answers(u.st.world, &routing.UnavailableError{Shard: 2, Why: "no quorum"})
		got := u.refused(claimRequest(tx, "k"))
		require.Equal(t, "unavailable UNAVAILABLE", got.code+" "+got.detail.Reason)
		u.st.before = nil
		u.forUpdate(tx, "k")
	})
}
