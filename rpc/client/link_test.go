package client

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// answers counts what each call of a test has heard.
type answers struct {
	mu   sync.Mutex
	errs [][]error
}

func newAnswers(n int) *answers { return &answers{errs: make([][]error, n)} }

func (a *answers) done(i int) func(routing.Response, error) {
	return func(_ routing.Response, err error) {
		a.mu.Lock()
		a.errs[i] = append(a.errs[i], err)
		a.mu.Unlock()
	}
}

func (n *net3) link(i int) Local {
	l, err := n.c.submitter(routing.NodeID(i))
	require.NoError(n.t, err)
	return l
}

// When the stream is lost, every call under way hears so, once; each one says whether it
// may have been done.
func TestLostStreamAnswersEveryCallOnce(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.node(1).serve = func(g got) (routing.Response, error) {
			switch {
			case g.hd.Shard < 10:
				return found(g)
			case g.hd.Shard == 49:
				return nil, errHangUp
			}
			return nil, nil
		}
		a := newAnswers(50)
		for i := range 50 {
			n.link(1).Submit(routing.Header{Shard: routing.ShardID(i + 1)}, get(), a.done(i))
		}
		synctest.Wait()
		for i, errs := range a.errs {
			require.Len(t, errs, 1, "call %d", i)
			if i+1 >= 10 {
				require.True(t, unavailable(t, errs[0]).Maybe, "call %d", i)
			}
		}
		refused := newAnswers(1)
		n.link(1).Submit(routing.Header{Shard: 1}, get(), refused.done(0))
		require.False(t, unavailable(t, refused.errs[0][0]).Maybe, "the breaker is open: nothing was sent")
		time.Sleep(time.Second)
		again := newAnswers(1)
		n.link(1).Submit(routing.Header{Shard: 1}, get(), again.done(0))
		synctest.Wait()
		require.Equal(t, []error{nil}, again.errs[0])
		require.Equal(t, 2, n.node(1).streams, "one stream at a time")
	})
}

// What is queued and under way is bounded; what exceeds a bound is refused at once.
func TestQueuesAreBounded(t *testing.T) {
	inNet3(t, Config{CallsMax: 3}, func(t *testing.T, n *net3) {
		a := newAnswers(5)
		var cancel func()
		for i := range 4 {
			cancel = n.link(1).Submit(routing.Header{Shard: 1}, get(), a.done(i))
		}
		synctest.Wait()
		var overloaded *routing.OverloadedError
		require.ErrorAs(t, a.errs[3][0], &overloaded)
		cancel() // of a call that was refused: nothing
		require.Equal(t, 3, n.node(1).asked())
	})
	inNet3(t, Config{QueueMax: 1}, func(t *testing.T, n *net3) {
		n.node(1).lis = newPipes() // nobody accepts, and nothing leaves
		defer n.node(1).lis.Close()
		a, refused := newAnswers(100), 0
		value := make([]byte, 1<<20)
		for i := range 100 {
			p := &mvcc.PrewriteArgs{Start: 5, Primary: "k", Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "k", Value: value}}}
			n.link(1).Submit(routing.Header{Shard: 1}, p, a.done(i))
		}
		for _, errs := range a.errs {
			if len(errs) > 0 {
				var overloaded *routing.OverloadedError
				require.ErrorAs(t, errs[0], &overloaded)
				refused++
			}
		}
		require.Greater(t, refused, 80, "16 MiB and a frame wait, not 100")
	})
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		a := newAnswers(1)
		p := &mvcc.PrewriteArgs{Mutations: []mvcc.Mutation{{Op: mvcc.MutationPut, Key: "k", Value: make([]byte, RequestMax)}}}
		n.link(1).Submit(routing.Header{Shard: 1}, p, a.done(0))
		var invalid *mvcc.InvalidError
		require.ErrorAs(t, a.errs[0][0], &invalid)
	})
}

// A canceled call is never answered, and the node hears of it where it had been sent.
func TestCanceledCallsAreForgotten(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		a := newAnswers(1)
		cancel := n.link(1).Submit(routing.Header{Shard: 1}, get(), a.done(0))
		require.Equal(t, 1, n.node(1).asked())
		cancel()
		cancel()
		synctest.Wait()
		require.Equal(t, []uint64{1}, n.node(1).canceled)
		n.kill(1)
		synctest.Wait()
		require.Empty(t, a.errs[0])
	})
}

// Many calls share a frame: what gathers while one is under way goes in the next.
func TestManyCallersAtOnce(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.node(1).serve = func(g got) (routing.Response, error) {
			return &mvcc.GetResult{ReadTS: timestamp.Timestamp(g.req.(*mvcc.GetArgs).ReadTS)}, nil
		}
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				call := n.send(&mvcc.GetArgs{ReadTS: timestamp.Timestamp(i), Keys: []mvcc.Key{"k"}})
				if res, ok := call.Res.(*mvcc.GetResult); !ok || res.ReadTS != timestamp.Timestamp(i) {
					t.Errorf("call %d: %v, %v", i, call.Res, call.Err)
				}
			})
		}
		all.Wait()
		require.Equal(t, 1, n.node(1).streams)
	})
}

// greeter says which cluster a node belongs to.
type greeter struct {
	nodev1connect.UnimplementedNodeServiceHandler
	cluster string
}

func (g greeter) Hello(context.Context, *nodev1.HelloRequest) (*nodev1.HelloResponse, error) {
	return &nodev1.HelloResponse{ClusterId: g.cluster, System: &nodev1.Descriptor{Id: 1, Bounds: 4},
		Nodes: []*nodev1.NodeAddress{{Id: 9, Address: "nine"}, {Id: 8}}}, nil
}

func TestHelloOfAnotherClusterIsRefused(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.node(1).greet("c")
		n.node(2).greet("other")
		n.node(3).greet("")
		require.NoError(t, n.c.hello(t.Context(), "one"))
		require.Equal(t, "nine", n.c.Nodes()[9])
		require.NotContains(t, n.c.Nodes(), routing.NodeID(8))
		require.EqualValues(t, 4, n.c.System().Epoch.Bounds)
		require.ErrorContains(t, n.c.hello(t.Context(), "two"), "cluster other, not to c")
		require.ErrorContains(t, n.c.hello(t.Context(), "three"), "no cluster yet")
	})
}

func TestDialNamesEachHostThatFails(t *testing.T) {
	_, err := Dial(t.Context(), []string{" ", ""}, Config{})
	require.ErrorContains(t, err, "no host is given")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Dial(ctx, []string{"127.0.0.1:1", "127.0.0.1:2"}, Config{})
	unavailable(t, err)
	require.ErrorContains(t, err, "127.0.0.1:1: ")
	require.ErrorContains(t, err, "127.0.0.1:2: ")
}

// An older descriptor of the system group does not replace a newer one.
func TestNewestSystemGroupCounts(t *testing.T) {
	c, err := Dial(t.Context(), nil, Config{System: routing.Descriptor{ID: 1, Epoch: routing.Epoch{Bounds: 2}}})
	require.NoError(t, err)
	defer c.Close()
	c.SetSystem(routing.Descriptor{ID: 1, Epoch: routing.Epoch{Bounds: 1}, Leader: 9})
	require.Zero(t, c.System().Leader)
	c.SetSystem(routing.Descriptor{ID: 2, Epoch: routing.Epoch{Bounds: 5}})
	require.Equal(t, routing.SystemShard, c.System().ID)
	c.SetSystem(routing.Descriptor{ID: 1, Epoch: routing.Epoch{Bounds: 2, Members: 1}, Leader: 9})
	require.EqualValues(t, 9, c.System().Leader)
}

// The system group's answers, and what is no answer to the question.
func TestSystemRequests(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.c.SetSystem(routing.Descriptor{ID: 1, Epoch: routing.Epoch{Members: 1}, Replicas: shard().Replicas, Leader: 1})
		var wrong bool
		n.node(1).serve = func(g got) (routing.Response, error) {
			if wrong {
				return &mvcc.CommitResult{}, nil
			}
			switch a := g.req.(type) {
			case *routing.TimestampArgs:
				return &routing.TimestampResult{First: 100, Count: a.Count, Term: 1}, nil
			case *directory.LookupArgs:
				return &directory.LookupResult{Shards: []routing.Descriptor{shard()}}, nil
			case *directory.ListArgs:
				return &directory.ListResult{Nodes: []directory.Node{{ID: 5, Address: "five"}}}, nil
			case *directory.AllocateArgs:
				return &directory.AllocateResult{Shard: 12}, nil
			}
			return nil, fmt.Errorf("%T", g.req)
		}
		ts, err := n.c.Next(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 100, ts)
		shards, err := n.c.Lookup(t.Context(), "k")
		require.NoError(t, err)
		require.Equal(t, []routing.Descriptor{shard()}, shards)
		_, err = n.c.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, "five", n.c.Nodes()[5])
		ids, err := n.c.Allocate(t.Context(), 3)
		require.NoError(t, err)
		require.EqualValues(t, 12, ids.Shard)
		wrong = true
		_, err = n.c.Lookup(t.Context(), "k")
		require.Error(t, err)
		_, err = n.c.List(t.Context())
		require.Error(t, err)
		_, err = n.c.Allocate(t.Context(), 3)
		require.Error(t, err)
		_, _, err = n.c.Draw(t.Context(), 3)
		require.Error(t, err)
	})
}
