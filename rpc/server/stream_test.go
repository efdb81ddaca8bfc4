package server

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// replicas hand each request to the test.
type replicas struct {
	noReplicas
	submitted chan submission
}

type submission struct {
	hd       routing.Header
	req      routing.Request
	done     func(routing.Response, error)
	canceled chan struct{}
}

func (r *replicas) Submit(hd routing.Header, req routing.Request, done func(routing.Response, error)) func() {
	s := submission{hd, req, done, make(chan struct{})}
	r.submitted <- s
	return sync.OnceFunc(func() { close(s.canceled) })
}

// shard3 is led by node 1.
func shard3() routing.Descriptor {
	return routing.Descriptor{ID: 3, Span: mvcc.Span{Start: "a"}, Epoch: routing.Epoch{Bounds: 7}, Leader: 1,
		Replicas: []routing.Replica{{ID: 1, Node: 1, Role: routing.Voter}}}
}

// newStreamed is a site whose replicas are the test's, and a client of it.
func newStreamed(t *testing.T, change func(*Config)) (*site, *replicas, *client.Cluster) {
	r := &replicas{submitted: make(chan submission, 100)}
	st := newSite(t, newWorld(t), func(c *Config) {
		c.Replicas = r
		if change != nil {
			change(c)
		}
	})
	c, err := client.Dial(t.Context(), nil, client.Config{ClusterID: clusterID, CallTimeout: 10 * time.Second,
		Nodes: map[routing.NodeID]string{1: st.address}, System: routing.Descriptor{ID: routing.SystemShard}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return st, r, c
}

// send starts a Send of one call; the call is answered when the channel is closed.
func send(ctx context.Context, c *client.Cluster, req routing.Request) (*routing.Call, chan struct{}) {
	call, done := &routing.Call{To: shard3(), Req: req}, make(chan struct{})
	go func() {
		c.Send(ctx, []*routing.Call{call}, nil)
		close(done)
	}()
	return call, done
}

func getOf(keys ...mvcc.Key) *mvcc.GetArgs { return &mvcc.GetArgs{ReadTS: 9, Keys: keys} }

// P37: the client's stream in both directions opens over plain TCP: it speaks HTTP/2 and
// nothing else. Answers come back in whatever order they are given, of the types they were.
func TestCallsShareOneStream(t *testing.T) {
	st, r, c := newStreamed(t, nil)
	first, firstDone := send(t.Context(), c, getOf("k"))
	slow := <-r.submitted
	require.Equal(t, routing.ShardID(3), slow.hd.Shard)
	require.Equal(t, routing.BoundsEpoch(7), slow.hd.Bounds)
	require.InDelta(t, 10*time.Second, slow.hd.Timeout, float64(5*time.Second), "the rest of the call's time goes along")
	require.Equal(t, getOf("k"), slow.req)
	second, secondDone := send(t.Context(), c, getOf("l"))
	(<-r.submitted).done(nil, &mvcc.LockedError{Lock: mvcc.Lock{Key: "l", StartTS: 5, Primary: "p", Kind: mvcc.LockPut}})
	<-secondDone
	require.Equal(t, &mvcc.LockedError{Lock: mvcc.Lock{Key: "l", StartTS: 5, Primary: "p", Kind: mvcc.LockPut}}, second.Err)
	want := &mvcc.GetResult{ReadTS: 9, Versions: []mvcc.Version{{Key: "k", CommitTS: 4, StartTS: 3, Op: mvcc.OpPut, Value: []byte("v")}}}
	slow.done(want, nil)
	<-firstDone
	require.NoError(t, first.Err)
	require.Equal(t, want, first.Res)
	_, page := st.fetch(t, "/metrics")
	require.Contains(t, page, "shale_call_streams 1\n")
	require.Contains(t, page, "shale_calls_total 2\n")
}

// P33: a stream is no way round the rule.
func TestSystemKeysAreRefusedOnStreams(t *testing.T) {
	_, r, c := newStreamed(t, nil)
	call, done := send(t.Context(), c, getOf("a", "\x00k"))
	<-done
	var denied *routing.KeySystemError
	require.ErrorAs(t, call.Err, &denied)
	require.Empty(t, r.submitted)
}

// A caller that goes takes its request with it; so does a client that goes.
func TestGoneCallersCancelTheirRequests(t *testing.T) {
	_, r, c := newStreamed(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, done := send(ctx, c, getOf("k"))
	given := <-r.submitted
	cancel()
	<-done
	<-given.canceled
	_, done = send(t.Context(), c, getOf("k"))
	given = <-r.submitted
	c.Close()
	<-done
	<-given.canceled
	given.done(&mvcc.GetResult{}, nil) // late: nobody minds
}

// P34: calls under way on one stream are bounded; what is above is refused at once.
func TestCallsOnAStreamAreBounded(t *testing.T) {
	_, r, c := newStreamed(t, func(c *Config) { c.CallsMax = 3 })
	var under []submission
	for range 3 {
		send(t.Context(), c, getOf("k"))
		under = append(under, <-r.submitted)
	}
	call, done := send(t.Context(), c, getOf("k"))
	<-done
	var overloaded *routing.OverloadedError
	require.ErrorAs(t, call.Err, &overloaded)
	under[0].done(&mvcc.GetResult{}, nil)
	call, done = send(t.Context(), c, getOf("k"))
	select { // the place may be free only when the answer has been written
	case given := <-r.submitted:
		given.done(&mvcc.GetResult{}, nil)
	case <-done:
	}
	<-done
	require.True(t, call.Err == nil || isOverloaded(call.Err), call.Err)
}

func isOverloaded(err error) bool { _, ok := err.(*routing.OverloadedError); return ok }

// An answer above what a message may hold is refused, and only that one.
func TestLargeAnswersAreRefused(t *testing.T) {
	_, r, c := newStreamed(t, nil)
	call, done := send(t.Context(), c, getOf("k"))
	value := make([]byte, 4<<20)
	res := &mvcc.GetResult{}
	for range 17 {
		res.Versions = append(res.Versions, mvcc.Version{Key: "k", Op: mvcc.OpPut, Value: value})
	}
	(<-r.submitted).done(res, nil)
	<-done
	var large *wire.AnswerTooLargeError
	require.ErrorAs(t, call.Err, &large)
}

// A server that stops answers what is under way, and ends its streams.
func TestStopEndsStreams(t *testing.T) {
	st, r, c := newStreamed(t, nil)
	call, done := send(t.Context(), c, &mvcc.PrewriteArgs{Start: 1, Primary: "k", OnePhase: true, Autocommit: true,
		Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "k", Value: []byte{}}}})
	given := <-r.submitted
	stopped := make(chan error, 1)
	go func() { stopped <- st.s.Shutdown(t.Context()) }()
	<-given.canceled
	<-done
	var unavailable *routing.UnavailableError
	require.ErrorAs(t, call.Err, &unavailable)
	require.True(t, unavailable.Maybe, "S9: it had been sent, so it is not sent again")
	require.NoError(t, <-stopped)
}

// raw is a stream that the test writes itself.
func raw(t *testing.T, st *site) *connect.BidiStreamForClientSimple[nodev1.CallFrame, nodev1.ReplyFrame] {
	stream, err := nodev1connect.NewShardServiceClient(st.h2, "http://"+st.address).Stream(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { stream.CloseRequest() })
	return stream
}

func rawGet(id uint64) *nodev1.Call {
	return &nodev1.Call{Id: id, Shard: 3, Request: &nodev1.Call_Get{Get: &nodev1.GetArgs{Keys: [][]byte{[]byte("k")}}}}
}

// A call whose id is in use is refused; the other one is not harmed.
func TestCallIDsAreTheirOwn(t *testing.T) {
	st, r, _ := newStreamed(t, nil)
	stream := raw(t, st)
	require.NoError(t, stream.Send(&nodev1.CallFrame{Calls: []*nodev1.Call{rawGet(1), rawGet(1), {Id: 2}, {Id: 3, Shard: 1}}}))
	kinds := map[string]bool{}
	for len(kinds) < 3 {
		frame, err := stream.Receive()
		require.NoError(t, err)
		for _, reply := range frame.GetReplies() {
			kinds[fmt.Sprint(reply.GetId(), " ", reply.GetError().GetReason())] = true
		}
	}
	require.Equal(t, map[string]bool{"1 MALFORMED": true, "2 MALFORMED": true, "3 MALFORMED": true}, kinds)
	(<-r.submitted).done(&mvcc.GetResult{ReadTS: 5}, nil)
	frame, err := stream.Receive()
	require.NoError(t, err)
	require.EqualValues(t, 5, frame.GetReplies()[0].GetGet().GetReadTs())
}

// P34: a client that sends calls and reads no answers is cut off in the end.
func TestFloodingStreamIsEnded(t *testing.T) {
	st, _, _ := newStreamed(t, func(c *Config) { c.CallsMax = 2 })
	stream := raw(t, st)
	frame := &nodev1.CallFrame{}
	for id := range uint64(64) {
		frame.Calls = append(frame.Calls, rawGet(id))
	}
	for stream.Send(frame) == nil { // until the server has had enough
	}
	for {
		if _, err := stream.Receive(); err != nil {
			require.Equal(t, connect.CodeResourceExhausted, connect.CodeOf(err), err)
			return
		}
	}
}
