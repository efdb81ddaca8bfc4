package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// A hint is followed at once, and remembered: the next call goes straight to the leader.
func TestLeaderHintsAreFollowedAndRemembered(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.node(1).serve = func(got) (routing.Response, error) { return nil, &routing.NotLeaderError{Shard: 7, Leader: 3} }
		n.node(3).serve = found
		began := time.Now()
		require.NoError(t, n.send(get()).Err)
		require.NoError(t, n.send(get()).Err)
		require.Equal(t, []int{1, 0, 2}, []int{n.node(1).asked(), n.node(2).asked(), n.node(3).asked()})
		require.Zero(t, time.Since(began), "nobody waits")
	})
}

// While a leader is being elected the replicas are asked round by round, with pauses.
func TestElectionIsWaitedFor(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		began := time.Now()
		for i := 1; i <= 3; i++ {
			n.node(i).serve = func(g got) (routing.Response, error) {
				if time.Since(began) < 700*time.Millisecond || i != 2 {
					return nil, &routing.NotLeaderError{Shard: 7}
				}
				return found(g)
			}
		}
		require.NoError(t, n.send(get()).Err)
		require.Less(t, time.Since(began), 700*time.Millisecond+2*roundPauseMax)
		require.Less(t, n.node(1).asked(), 20, "with pauses")
	})
}

// A shard that no replica knows is a wrong route: the caller hears so at once.
func TestUnknownShardIsTheCallersMatter(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		for i := 1; i <= 3; i++ {
			n.node(i).serve = func(got) (routing.Response, error) { return nil, &routing.UnknownShardError{Shard: 7} }
		}
		var unknown *routing.UnknownShardError
		require.ErrorAs(t, n.send(get()).Err, &unknown)
		n.node(1).serve = func(got) (routing.Response, error) { return nil, &routing.EpochMismatchError{Shard: 7} }
		var moved *routing.EpochMismatchError
		require.ErrorAs(t, n.send(get()).Err, &moved)
	})
}

// Who looks inside is answered by the leader alone: no other replica knows the cut, who waits, or
// what is busy.
func TestLooksGoToTheLeader(t *testing.T) {
	for req, res := range map[routing.Request]routing.Response{
		&mvcc.VersionsArgs{ReadTS: 1}: &mvcc.VersionsResult{}, &mvcc.LocksArgs{}: &mvcc.LocksResult{},
		&mvcc.RecordsArgs{}: &mvcc.RecordsResult{}, &routing.QueueArgs{}: &routing.QueueResult{}, &routing.HotArgs{}: &routing.HotResult{}} {
		inNet3(t, Config{}, func(t *testing.T, n *net3) {
			n.node(1).serve = func(got) (routing.Response, error) { return nil, &routing.NotLeaderError{Shard: 7, Leader: 3} }
			n.node(3).serve = func(got) (routing.Response, error) { return res, nil }
			require.NoError(t, n.send(req).Err, "%T", req)
			require.NoError(t, n.send(req).Err, "%T", req)
			require.Equal(t, []int{1, 0, 2}, []int{n.node(1).asked(), n.node(2).asked(), n.node(3).asked()}, "%T", req)
		})
	}
}

// A call that is not answered ends with its time, to the microsecond, and may have been done;
// the node is told that nobody waits any more.
func TestTimeouts(t *testing.T) {
	inNet3(t, Config{CallTimeout: 3 * time.Second}, func(t *testing.T, n *net3) {
		began := time.Now()
		e := unavailable(t, n.send(get()).Err)
		require.True(t, e.Maybe)
		require.Equal(t, 3*time.Second, time.Since(began), "the default")
		require.Equal(t, 1, n.node(1).asked())
		require.Equal(t, []uint64{1}, n.node(1).canceled)
		require.InDelta(t, 3*time.Second, n.node(1).calls[0].hd.Timeout, float64(time.Millisecond))

		began = time.Now()
		call := &routing.Call{To: shard(), Req: get(), Timeout: time.Second}
		n.c.Send(t.Context(), []*routing.Call{call}, nil)
		unavailable(t, call.Err)
		require.Equal(t, time.Second, time.Since(began), "its own")

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began = time.Now()
		n.c.Send(ctx, []*routing.Call{call}, nil)
		require.True(t, unavailable(t, call.Err).Maybe)
		require.Equal(t, 100*time.Millisecond, time.Since(began), "the caller's")
	})
}

// P21: nodes that are down cost the call its time and nobody's processor, and a request that
// no node ever saw was certainly not done.
func TestDeadNodesAreLeftAlone(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		for i := 1; i <= 3; i++ {
			n.kill(i)
		}
		e := unavailable(t, n.send(get()).Err)
		require.False(t, e.Maybe, e)
		require.ErrorContains(t, e, "connection refused")
		require.Less(t, n.dials["two"], 40, "in 10 s: the breaker's pauses double")
		require.Greater(t, n.dials["two"], 3)
	})
}

// A dead leader's place is taken by whoever leads now, within the call.
func TestAnotherReplicaAnswersForADeadOne(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.kill(1)
		n.node(2).serve = func(got) (routing.Response, error) { return nil, &routing.NotLeaderError{Shard: 7, Leader: 3} }
		n.node(3).serve = found
		require.NoError(t, n.send(get()).Err)
	})
}

// S9: an autocommit that may have been done is not sent again, to anybody; other requests
// are, for doing them twice is the same as once.
func TestAutocommitIsNotSentAgain(t *testing.T) {
	for _, autocommit := range []bool{true, false} {
		inNet3(t, Config{}, func(t *testing.T, n *net3) {
			n.node(1).serve = func(got) (routing.Response, error) { return nil, errHangUp } // done or not?
			n.node(2).serve = func(got) (routing.Response, error) { return &mvcc.PrewriteResult{CommitTS: 6}, nil }
			call := n.send(prewrite(autocommit))
			if !autocommit {
				require.NoError(t, call.Err)
				require.Equal(t, &mvcc.PrewriteResult{CommitTS: 6}, call.Res)
				return
			}
			require.True(t, unavailable(t, call.Err).Maybe)
			require.Equal(t, []int{1, 0, 0}, []int{n.node(1).asked(), n.node(2).asked(), n.node(3).asked()})
		})
	}
}

// The same where the shard itself does not know: a proposal of an old term.
func TestAutocommitStopsAtMaybe(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.node(1).serve = func(got) (routing.Response, error) {
			return nil, &routing.UnavailableError{Shard: 7, Why: "lost the lease", Maybe: true}
		}
		require.True(t, unavailable(t, n.send(prewrite(true)).Err).Maybe)
		require.Zero(t, n.node(2).asked()+n.node(3).asked())
		n.node(1).serve = func(got) (routing.Response, error) {
			return nil, &routing.UnavailableError{Shard: 7, Why: "no lease yet"}
		}
		n.node(2).serve = func(got) (routing.Response, error) { return &mvcc.PrewriteResult{CommitTS: 6}, nil }
		require.NoError(t, n.send(prewrite(true)).Err, "certainly not done: another one may")
	})
}

// What is said about locks may be said twice: it is sent again, to whoever leads by then.
func TestLockRequestsAreSentAgain(t *testing.T) {
	for _, c := range []struct {
		req routing.Request
		res routing.Response
	}{
		{&mvcc.ClaimArgs{Start: 5, Primary: "k", Keys: []mvcc.Key{"k"}}, &mvcc.ClaimResult{Versions: []mvcc.Version{{}}}},
		{&mvcc.FenceArgs{Start: 5, Primary: "k", Keys: []mvcc.Key{"l"}, Fence: true}, &mvcc.FenceResult{Fenced: true}},
		{&mvcc.ValidateArgs{Start: 5, ReadTS: 5, At: 6, Keys: []mvcc.Key{"k"}}, &mvcc.ValidateResult{}},
		{&routing.VictimArgs{Start: 5, Key: "k"}, &routing.VictimResult{Ended: true}},
	} {
		inNet3(t, Config{}, func(t *testing.T, n *net3) {
			n.node(1).serve = func(got) (routing.Response, error) { return nil, errHangUp } // done or not?
			n.node(2).serve = func(g got) (routing.Response, error) {
				require.Equal(t, c.req, g.req)
				return c.res, nil
			}
			call := n.send(c.req)
			require.NoError(t, call.Err)
			require.Equal(t, c.res, call.Res)
		})
	}
}

// A call to the system shard needs no replicas: it goes where this client knows it to be, as
// the requests for timestamps do.
func TestCallsToTheSystemShard(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		system := shard()
		system.ID, system.Leader, system.Epoch.Members = routing.SystemShard, 2, 1
		n.c.SetSystem(system)
		edges := []mvcc.WaitEdge{{Waiter: 5, Holder: 6, Key: "k"}}
		n.node(2).serve = func(g got) (routing.Response, error) {
			require.Equal(t, routing.SystemShard, g.hd.Shard)
			require.Equal(t, &routing.WaitArgs{Edges: edges}, g.req)
			return &routing.WaitResult{Cycles: [][]mvcc.WaitEdge{edges}}, nil
		}
		call := &routing.Call{To: routing.Descriptor{ID: routing.SystemShard}, Req: &routing.WaitArgs{Edges: edges}}
		n.c.Send(t.Context(), []*routing.Call{call}, nil)
		require.NoError(t, call.Err)
		require.Equal(t, &routing.WaitResult{Cycles: [][]mvcc.WaitEdge{edges}}, call.Res)
	})
}

// Maybe sticks: what one replica may have done, a later "not here" does not undo.
func TestMaybeSticks(t *testing.T) {
	inNet3(t, Config{CallTimeout: time.Second}, func(t *testing.T, n *net3) {
		n.node(1).serve = func(got) (routing.Response, error) { return nil, errHangUp }
		for i := 2; i <= 3; i++ {
			n.node(i).serve = func(got) (routing.Response, error) { return nil, &routing.UnknownShardError{Shard: 7} }
		}
		require.True(t, unavailable(t, n.send(prewrite(false)).Err).Maybe)
	})
}

// Maybe is said beside the last answer too, which speaks of its own try alone: another route,
// or no room (S9).
func TestMaybeBesideTheLastAnswer(t *testing.T) {
	for _, last := range []error{&routing.EpochMismatchError{Shard: 7}, &routing.OverloadedError{Shard: 7}} {
		inNet3(t, Config{CallTimeout: time.Second}, func(t *testing.T, n *net3) {
			n.node(1).serve = func(got) (routing.Response, error) { return nil, errHangUp }
			for i := 2; i <= 3; i++ {
				n.node(i).serve = func(got) (routing.Response, error) { return nil, last }
			}
			call := n.send(prewrite(false))
			require.EqualError(t, call.Err, last.Error())
			require.True(t, call.Maybe)
			n.node(1).serve = found
			require.False(t, n.send(get()).Maybe)
		})
	}
}

// Enough: an abort does not wait for a shard that does not answer; that one hears of it.
func TestEnough(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		came := make(chan struct{})
		n.node(1).serve = func(got) (routing.Response, error) {
			close(came)
			return nil, nil
		}
		n.node(2).serve = func(got) (routing.Response, error) {
			<-came
			return nil, &mvcc.WriteConflictError{Key: "k"}
		}
		silent, refused := &routing.Call{To: shard(), Req: prewrite(false)}, &routing.Call{To: shard(), Req: prewrite(false)}
		refused.To.Leader, refused.To.ID = 2, 8
		began := time.Now()
		n.c.Send(t.Context(), []*routing.Call{silent, refused}, func(c *routing.Call) bool { return c.Err != nil })
		require.Zero(t, time.Since(began))
		require.True(t, unavailable(t, silent.Err).Maybe)
		var conflict *mvcc.WriteConflictError
		require.ErrorAs(t, refused.Err, &conflict)
		synctest.Wait()
		require.Len(t, n.node(1).canceled, 1)
	})
}

// What concerns one replica alone is asked of that one, and says nothing about who leads.
func TestStatusIsAskedOfTheReplicaNamed(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		n.node(2).serve = func(got) (routing.Response, error) { return &routing.StatusResult{Node: 2}, nil }
		call := &routing.Call{To: routing.Descriptor{ID: 7, Replicas: []routing.Replica{{Node: 2}}}, Req: &routing.StatusArgs{}}
		n.c.Send(t.Context(), []*routing.Call{call}, nil)
		require.NoError(t, call.Err)
		require.Zero(t, n.c.leader(7))
		n.kill(2)
		synctest.Wait()
		began := time.Now()
		n.c.Send(t.Context(), []*routing.Call{call}, nil)
		unavailable(t, call.Err)
		require.Zero(t, time.Since(began))
	})
}

// local is the own process.
type local struct{ calls int }

func (l *local) Submit(_ routing.Header, _ routing.Request, done func(routing.Response, error)) func() {
	l.calls++
	done(&mvcc.GetResult{ReadTS: 5}, nil)
	return func() {}
}

func TestCallsToTheOwnNodeNeedNoNetwork(t *testing.T) {
	own := &local{}
	inNet3(t, Config{Local: own, Node: 1}, func(t *testing.T, n *net3) {
		require.NoError(t, n.send(get()).Err)
		require.Equal(t, 1, own.calls)
		require.Empty(t, n.dials)
	})
}

// A client that is closed ends its calls at once.
func TestCloseEndsCalls(t *testing.T) {
	inNet3(t, Config{}, func(t *testing.T, n *net3) {
		began := time.Now()
		go func() {
			synctest.Wait()
			n.c.Close()
		}()
		e := unavailable(t, n.send(get()).Err)
		require.ErrorContains(t, e, "closed")
		require.Zero(t, time.Since(began))
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker{min: 20 * time.Millisecond, max: time.Second}
		require.NoError(t, b.open())
		for _, want := range []int{20, 40, 80, 160, 320, 640, 1000, 1000} {
			pause := b.failed(errHangUp)
			require.Equal(t, time.Duration(want)*time.Millisecond, pause)
			require.ErrorIs(t, b.open(), errHangUp)
			time.Sleep(pause + 1)
			require.NoError(t, b.open(), "one may try")
		}
		for range 100 {
			require.Equal(t, time.Second, b.failed(errHangUp), "it does not overflow")
		}
		b.succeeded()
		require.NoError(t, b.open())
		require.Equal(t, 20*time.Millisecond, b.failed(errHangUp))
	})
}
