package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/txn"
)

const clusterID = "cluster-a"

// site is a server on a loopback port, and the world behind it.
type site struct {
	*world
	s       *Server
	tasks   *tasks
	cfg     *Config
	address string
	h1, h2  *http.Client
}

// newSite serves the world; change may mend the configuration before.
func newSite(t testing.TB, w *world, change func(*Config)) *site {
	tasks := &tasks{Goroutines: txn.NewGoroutines()}
	t.Cleanup(tasks.Close)
	c := txn.NewCoordinator(txn.Windows{Sender: w, Timestamps: w, Shards: txn.NewShardCache(w.lookup), Tasks: tasks},
		txn.Config{Patience: 20 * time.Millisecond})
	member := &Member{ClusterID: clusterID, Node: 1, Txns: c}
	cfg := Config{Insecure: true, Version: "test", Replicas: noReplicas{}, Nodes: nodev1connect.UnimplementedNodeServiceHandler{},
		Member: func() (*Member, error) { return member, nil }}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	require.NoError(t, err)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	st := &site{world: w, s: s, tasks: tasks, cfg: &s.cfg, address: lis.Addr().String()}
	h1, h2 := new(http.Protocols), new(http.Protocols)
	h1.SetHTTP1(true)
	h2.SetUnencryptedHTTP2(true)
	one, two := &http.Transport{Protocols: h1, DisableCompression: true}, &http.Transport{Protocols: h2, DisableCompression: true}
	st.h1, st.h2 = &http.Client{Transport: one}, &http.Client{Transport: two}
	t.Cleanup(func() {
		one.CloseIdleConnections()
		two.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return st
}

// tasks are the coordinator's, on a clock that sleeping alone moves: patience ends without
// anybody's waiting.
type tasks struct {
	*txn.Goroutines
	clock  atomic.Int64
	behind sync.WaitGroup
}

func (x *tasks) Now() time.Duration { return time.Duration(x.clock.Load()) }

func (x *tasks) Sleep(ctx context.Context, d time.Duration) error {
	x.clock.Add(int64(d))
	return ctx.Err()
}

func (x *tasks) Spawn(name string, f func(context.Context)) {
	if name == "heartbeats" {
		return // it would do nothing but sleep
	}
	x.behind.Add(1)
	x.Goroutines.Spawn(name, func(ctx context.Context) {
		defer x.behind.Done()
		f(ctx)
	})
}

// settle waits for what is done behind callers' backs.
func (st *site) settle() { st.tasks.behind.Wait() }

// noReplicas has none.
type noReplicas struct{}

func (noReplicas) Submit(hd routing.Header, _ routing.Request, done func(routing.Response, error)) func() {
	done(nil, &routing.UnknownShardError{Shard: hd.Shard})
	return func() {}
}
func (noReplicas) Deliver(routing.NodeID, routing.ShardID, [][]byte)          {}
func (noReplicas) Receive(client.SnapshotHeader, func(io.Writer) error) error { return nil }

// said is an error as a client hears it.
type said struct {
	code    string
	message string
	detail  *shalev1.ErrorDetail
}

// way is one of the protocols that clients speak.
type way struct {
	name string
	call func(t testing.TB, st *site, req, res proto.Message) *said
}

// ways are those that the contract promises to people without our client.
func ways() []way { return []way{{"json", overJSON}, {"grpc", overGRPC}} }

// overJSON is what curl does.
func overJSON(t testing.TB, st *site, req, res proto.Message) *said {
	body, err := protojson.Marshal(req)
	require.NoError(t, err)
	return st.post(t, method(req), body, res)
}

func method(req proto.Message) string {
	name := string(req.ProtoReflect().Descriptor().Name())
	return name[:len(name)-len("Request")]
}

// post sends raw JSON to a method of TxnService; res may be nil.
func (st *site) post(t testing.TB, method string, body []byte, res proto.Message, headers ...string) *said {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+st.address+"/"+shalev1connect.TxnServiceName+"/"+method, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	hr, err := st.h1.Do(req)
	require.NoError(t, err)
	defer hr.Body.Close()
	answer, err := io.ReadAll(hr.Body)
	require.NoError(t, err)
	require.Equal(t, "application/json", hr.Header.Get("Content-Type"), string(answer))
	if hr.StatusCode != http.StatusOK {
		return parseError(t, answer)
	}
	if res != nil {
		require.NoError(t, protojson.Unmarshal(answer, res))
	}
	return nil
}

func parseError(t testing.TB, body []byte) *said {
	var e struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	require.NoError(t, json.Unmarshal(body, &e), string(body))
	out := &said{code: e.Code, message: e.Message}
	for _, d := range e.Details {
		require.Equal(t, "shale.v1.ErrorDetail", d.Type)
		b, err := base64.RawStdEncoding.DecodeString(d.Value)
		require.NoError(t, err)
		out.detail = &shalev1.ErrorDetail{}
		require.NoError(t, proto.Unmarshal(b, out.detail))
	}
	return out
}

// overGRPC is what a stock gRPC client does.
func overGRPC(t testing.TB, st *site, req, res proto.Message) *said {
	got, err := grpcCall(t.Context(), st, req)
	if err == nil {
		proto.Merge(res, got)
		return nil
	}
	var ce *connect.Error
	require.ErrorAs(t, err, &ce)
	return &said{code: ce.Code().String(), message: ce.Message(), detail: wire.Detail(err)}
}

func grpcCall(ctx context.Context, st *site, req proto.Message) (proto.Message, error) {
	c := shalev1connect.NewTxnServiceClient(st.h2, "http://"+st.address, connect.WithGRPC())
	switch r := req.(type) {
	case *shalev1.BeginRequest:
		return c.Begin(ctx, r)
	case *shalev1.GetRequest:
		return c.Get(ctx, r)
	case *shalev1.ScanRequest:
		return c.Scan(ctx, r)
	case *shalev1.CommitRequest:
		return c.Commit(ctx, r)
	case *shalev1.RollbackRequest:
		return c.Rollback(ctx, r)
	case *shalev1.HeartbeatRequest:
		return c.Heartbeat(ctx, r)
	case *shalev1.OutcomeRequest:
		return c.Outcome(ctx, r)
	}
	return nil, errors.New("no such method")
}

// user is a client of one site who expects everything to go well.
type user struct {
	t   testing.TB
	st  *site
	way way
}

func (u user) begin() *shalev1.Txn {
	res := &shalev1.BeginResponse{}
	u.ok(&shalev1.BeginRequest{}, res)
	return res.Txn
}

func (u user) commit(tx *shalev1.Txn, ms ...*shalev1.Mutation) uint64 {
	res := &shalev1.CommitResponse{}
	u.ok(&shalev1.CommitRequest{Txn: tx, Mutations: ms}, res)
	return res.CommitTimestamp
}

func (u user) get(tx *shalev1.Txn, keys ...string) *shalev1.GetResponse {
	req, res := &shalev1.GetRequest{Txn: tx}, &shalev1.GetResponse{}
	for _, k := range keys {
		req.Keys = append(req.Keys, []byte(k))
	}
	u.ok(req, res)
	return res
}

func (u user) ok(req, res proto.Message) {
	u.t.Helper()
	e := u.way.call(u.t, u.st, req, res)
	if e != nil {
		u.t.Fatalf("%T: %s: %s", req, e.code, e.message)
	}
}

func mutation(op shalev1.Op, key, value string) *shalev1.Mutation {
	return &shalev1.Mutation{Op: op, Key: []byte(key), Value: []byte(value)}
}

func put(key, value string) *shalev1.Mutation { return mutation(shalev1.Op_OP_PUT, key, value) }

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
