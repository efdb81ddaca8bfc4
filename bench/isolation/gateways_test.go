package isolation

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
)

// gateways are the nodes as clients in other languages see them. They keep no session, so that
// each call of a transaction may go to another of them.
type gateways []shalev1connect.TxnServiceClient

func (w *world) gateways(transport http.RoundTripper) gateways {
	var g gateways
	for _, n := range w.nodes {
		g = append(g, shalev1connect.NewTxnServiceClient(&http.Client{Transport: transport}, "http://"+n.Address()))
	}
	return g
}

// at is the i-th gateway, counted round.
func (g gateways) at(i int) shalev1connect.TxnServiceClient { return g[i%len(g)] }

// deaf sends requests and loses the answers.
type deaf struct{}

var errDeaf = errors.New("the connection broke")

func (deaf) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return nil, errors.Join(errDeaf, err, res.Body.Close())
}

func (l *lane) begin(ctx context.Context, at shalev1connect.TxnServiceClient) (*shalev1.Txn, error) {
	isolation := shalev1.Isolation_ISOLATION_SNAPSHOT
	if l.mode == serializable {
		isolation = shalev1.Isolation_ISOLATION_SERIALIZABLE
	}
	res, err := at.Begin(ctx, &shalev1.BeginRequest{Isolation: isolation, Pessimistic: l.mode == pessimistic})
	return res.GetTxn(), err
}

// hops is how many transactions a session has.
const hops = 8

// testGateways has sessions whose every call goes to another node. Each counts up a key of its
// own in either shard: it reads what it wrote last, through whatever node, and what it sees of
// the others never goes back.
func testGateways(t *testing.T, w *world) {
	g := w.gateways(http.DefaultTransport)
	w.onEach(t, "gateways", func(t *testing.T, l *lane) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*stepTimeout)
		defer cancel()
		var sessions sync.WaitGroup
		for s := range 3 {
			sessions.Go(func() {
				h := &hopper{g: g, l: l, self: s, next: s}
				for n := range hops {
					if err := h.countUp(ctx, n); err != nil {
						t.Errorf("session %d, transaction %d: %v", s, n, err)
						return
					}
				}
			})
		}
		l.moveUnder(t, ctx, "x", "y")
		sessions.Wait()
	})
}

// hopper is a session without a home.
type hopper struct {
	g    gateways
	l    *lane
	self int
	next int    // the node that is asked next
	seen [6]int // the keys' values, as it saw them last
}

func (h *hopper) hop() shalev1connect.TxnServiceClient {
	h.next++
	return h.g.at(h.next)
}

// keys are x0, x1, x2 and y0, y1, y2: two for each session, in either shard.
func (h *hopper) keys() [][]byte {
	var keys [][]byte
	for i := range h.seen {
		keys = append(keys, []byte(h.l.key([]string{"x", "y"}[i/3]+strconv.Itoa(i%3))))
	}
	return keys
}

// countUp writes n+1 to the session's keys, where it must find n.
func (h *hopper) countUp(ctx context.Context, n int) error {
	tx, err := h.l.begin(ctx, h.hop())
	if err != nil {
		return err
	}
	keys := h.keys()
	own := [][]byte{keys[h.self], keys[3+h.self]}
	read := &shalev1.Reads{}
	if h.l.mode == pessimistic { // claims first, so that the snapshot moves
		res, err := h.hop().Get(ctx, &shalev1.GetRequest{Txn: tx, Keys: own, ForUpdate: true})
		if err != nil {
			return err
		}
		tx = res.GetTxn()
	}
	res, err := h.hop().Get(ctx, &shalev1.GetRequest{Txn: tx, Keys: keys})
	if err != nil {
		return err
	}
	if tx = res.GetTxn(); tx == nil {
		return errors.New("no handle came back")
	}
	if err := h.see(res.GetEntries(), n); err != nil {
		return err
	}
	if h.l.mode != serializable {
		read = nil
	} else { // its own alone: it does not depend on the others
		read.Keys = own
	}
	value := strconv.AppendInt(nil, int64(n+1), 10)
	_, err = h.hop().Commit(ctx, &shalev1.CommitRequest{Txn: tx, Reads: read, Mutations: []*shalev1.Mutation{
		{Op: shalev1.Op_OP_PUT, Key: own[0], Value: value}, {Op: shalev1.Op_OP_PUT, Key: own[1], Value: value}}})
	if err != nil {
		return err
	}
	newest, err := h.hop().Get(ctx, &shalev1.GetRequest{Keys: own[1:]}) // without a transaction
	if err != nil {
		return err
	}
	if got := string(newest.GetEntries()[0].GetValue()); got != string(value) {
		return errors.New("it read " + got + " after it had written " + string(value))
	}
	return nil
}

// see compares a snapshot with the last one: x and y of each session are written together, the
// own ones are n, the others' do not go back.
func (h *hopper) see(entries []*shalev1.Entry, n int) error {
	var now [6]int
	for i, e := range entries {
		if !e.GetFound() {
			continue
		}
		var err error
		if now[i], err = strconv.Atoi(string(e.GetValue())); err != nil {
			return err
		}
		if now[i] < h.seen[i] {
			return errors.New(string(e.GetKey()) + " went back to " + strconv.Itoa(now[i]))
		}
	}
	for s := range 3 {
		if now[s] != now[3+s] {
			return errors.New("half of a transaction of session " + strconv.Itoa(s))
		}
	}
	h.seen = now
	if now[h.self] != n {
		return errors.New("its own write is not there: " + strconv.Itoa(now[h.self]))
	}
	return nil
}

// testUnknown loses the answer of a Commit and asks again at every node, in turn and at once:
// one commit timestamp, and Outcome says the same. Another content under the same name is
// refused, and what others wrote since stays (P1, S7, S9).
func testUnknown(t *testing.T, w *world) {
	g, lost := w.gateways(http.DefaultTransport), w.gateways(deaf{})
	w.onEach(t, "unknown", func(t *testing.T, l *lane) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*stepTimeout)
		defer cancel()
		tx, err := l.begin(ctx, g.at(0))
		require.NoError(t, err)
		x, y := []byte(l.key("x")), []byte(l.key("y"))
		req := &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{
			{Op: shalev1.Op_OP_PUT, Key: x, Value: []byte("1")}, {Op: shalev1.Op_OP_PUT, Key: y, Value: []byte("1")}}}
		_, err = lost.at(1).Commit(ctx, req)
		require.ErrorIs(t, err, errDeaf)
		l.moveUnder(t, ctx, "x")
		_, err = g.at(2).Commit(ctx, &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{
			{Op: shalev1.Op_OP_PUT, Key: x, Value: []byte("2")}}})
		require.NoError(t, err)
		at := requireOneAnswer(t, ctx, g, req)
		other := &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{{Op: shalev1.Op_OP_PUT, Key: x, Value: []byte("3")}}}
		_, err = g.at(0).Commit(ctx, other)
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err), "%v", err)
		for i := range g {
			out, err := g.at(i).Outcome(ctx, &shalev1.OutcomeRequest{Txn: tx, Primary: x})
			require.NoError(t, err)
			require.Equal(t, shalev1.State_STATE_COMMITTED, out.GetState())
			require.Equal(t, at, out.GetCommitTimestamp())
			res, err := g.at(i).Get(ctx, &shalev1.GetRequest{Keys: [][]byte{x, y}})
			require.NoError(t, err)
			require.Equal(t, "2", string(res.GetEntries()[0].GetValue()))
			require.Equal(t, "1", string(res.GetEntries()[1].GetValue()))
			require.Equal(t, at, res.GetEntries()[1].GetCommitTimestamp())
		}
		requireRolledBack(t, ctx, g, l)
	})
}

// requireOneAnswer sends the Commit to all nodes at once, twice to each.
func requireOneAnswer(t *testing.T, ctx context.Context, g gateways, req *shalev1.CommitRequest) uint64 {
	t.Helper()
	answers := make([]uint64, 2*len(g))
	var asking sync.WaitGroup
	for i := range answers {
		asking.Go(func() {
			res, err := g.at(i).Commit(ctx, req)
			if err != nil {
				t.Errorf("asked again at node %d: %v", i%len(g)+1, err)
			}
			answers[i] = res.GetCommitTimestamp()
		})
	}
	asking.Wait()
	for _, at := range answers {
		require.Equal(t, answers[0], at)
		require.NotZero(t, at)
	}
	return answers[0]
}

// requireRolledBack decides a transaction against itself before its Commit comes: then it never
// commits, at any node.
func requireRolledBack(t *testing.T, ctx context.Context, g gateways, l *lane) {
	t.Helper()
	tx, err := l.begin(ctx, g.at(0))
	require.NoError(t, err)
	w, z := []byte(l.key("w")), []byte(l.key("z"))
	res, err := g.at(1).Rollback(ctx, &shalev1.RollbackRequest{Txn: tx, Primary: w})
	require.NoError(t, err)
	require.Equal(t, shalev1.State_STATE_ABORTED, res.GetState())
	for i := range g {
		_, err := g.at(i).Commit(ctx, &shalev1.CommitRequest{Txn: tx, Mutations: []*shalev1.Mutation{
			{Op: shalev1.Op_OP_PUT, Key: w, Value: []byte("4")}, {Op: shalev1.Op_OP_PUT, Key: z, Value: []byte("4")}}})
		require.Equal(t, connect.CodeAborted, connect.CodeOf(err), "%v", err)
		out, err := g.at(i).Get(ctx, &shalev1.GetRequest{Keys: [][]byte{w, z}})
		require.NoError(t, err)
		require.False(t, out.GetEntries()[0].GetFound() || out.GetEntries()[1].GetFound())
	}
}
