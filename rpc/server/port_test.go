package server

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// P35: nobody serves without TLS by accident.
func TestInsecureOnlyWhenToldSo(t *testing.T) {
	cfg := Config{Replicas: noReplicas{}, Nodes: nodev1connect.UnimplementedNodeServiceHandler{},
		Member: func() (*Member, error) { return nil, nil }}
	_, err := New(cfg)
	require.ErrorContains(t, err, "without TLS")
	cfg.Insecure = true
	s, err := New(cfg)
	require.NoError(t, err)
	s.cancel()
	for _, lack := range []func(*Config){
		func(c *Config) { c.Replicas = nil }, func(c *Config) { c.Member = nil }, func(c *Config) { c.Nodes = nil },
	} {
		broken := cfg
		lack(&broken)
		_, err := New(broken)
		require.Error(t, err)
	}
}

// P34, P37: everything has a bound, except what streams live by.
func TestBoundsAreSet(t *testing.T) {
	st := newSite(t, newWorld(t), nil)
	h := st.s.http
	require.Equal(t, 10*time.Second, h.ReadHeaderTimeout)
	require.Equal(t, 2*time.Minute, h.IdleTimeout)
	require.Equal(t, 64<<10, h.MaxHeaderBytes)
	require.Equal(t, 1024, h.HTTP2.MaxConcurrentStreams)
	require.NotZero(t, h.HTTP2.SendPingTimeout, "a dead connection is found")
	require.Zero(t, h.ReadTimeout, "P37: it would end streams")
	require.Zero(t, h.WriteTimeout, "P37: it would end streams")
}

// P34: whoever sends half a header, or nothing at all, is hung up on.
func TestSlowAndSilentConnectionsEnd(t *testing.T) {
	st := newSite(t, newWorld(t), func(c *Config) {
		c.HeaderTimeout, c.IdleTimeout, c.BodyTimeout = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	})
	for name, opening := range map[string]string{
		"half a header": "POST / HTTP/1.1\r\nHost:",
		"idle":          "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"half a body": "POST /" + shalev1connect.TxnServiceName + "/Begin HTTP/1.1\r\nHost: x\r\n" +
			"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		conn, err := net.Dial("tcp", st.address)
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.WriteString(conn, opening)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, bufio.NewReader(conn)) // until the server hangs up
		require.False(t, errors.Is(err, context.DeadlineExceeded) || isTimeout(err), name)
		conn.Close()
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// P34: a body is cut off where it passes the bound, whether it says its size beforehand or not.
func TestOversizedBodiesAreRefused(t *testing.T) {
	st := newSite(t, newWorld(t), func(c *Config) { c.PublicMax = 1000 })
	body := []byte(`{"mutations":[{"op":"OP_PUT","key":"aw==","value":"` + strings.Repeat("AAAA", 1000) + `"}]}`)
	for name, reader := range map[string]io.Reader{"announced": bytes.NewReader(body), "chunked": io.MultiReader(bytes.NewReader(body))} {
		res, err := st.h1.Post("http://"+st.address+"/"+shalev1connect.TxnServiceName+"/Commit", "application/json", reader)
		require.NoError(t, err)
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		got := parseError(t, answer)
		require.Equal(t, "invalid_argument", got.code, name)
		require.Equal(t, "REQUEST_TOO_LARGE", got.detail.GetReason(), name)
	}
	got := overGRPC(t, st, &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("k", strings.Repeat("v", 2000))}}, &shalev1.CommitResponse{})
	require.Equal(t, "invalid_argument", got.code, got.message)
	require.Equal(t, "REQUEST_TOO_LARGE", got.detail.GetReason())
	u := user{t, st, ways()[1]}
	u.commit(nil, put("k", strings.Repeat("v", 500)))
}

// P34: no bombs. What is compressed is refused before it is read, and nothing is answered so.
func TestGzipIsRefused(t *testing.T) {
	st := newSite(t, newWorld(t), nil)
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	for range 100 {
		_, err := zip.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, zip.Close())
	got := st.post(t, "Commit", bomb.Bytes(), nil, "Content-Encoding", "gzip")
	require.Equal(t, "unimplemented", got.code)
	require.Equal(t, "UNIMPLEMENTED", got.detail.GetReason())

	c := shalev1connect.NewTxnServiceClient(st.h2, "http://"+st.address, connect.WithGRPC(), connect.WithSendGzip())
	_, err := c.Get(t.Context(), &shalev1.GetRequest{Keys: [][]byte{bytes.Repeat([]byte("k"), 2000)}})
	require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err))

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+st.address+"/"+shalev1connect.TxnServiceName+"/Begin",
		strings.NewReader("{}"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := st.h1.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Empty(t, res.Header.Get("Content-Encoding"))
}

// More calls at once than the bound, and more large ones, are refused and told why.
func TestCallsAtOnceAreBounded(t *testing.T) {
	w := newWorld(t)
	st := newSite(t, w, func(c *Config) { c.UnaryMax, c.LargeMax = 2, 1 })
	entered, leave := make(chan struct{}), make(chan struct{})
	w.before = func(ctx context.Context, c *routing.Call) (routing.Response, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	}
	large := &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("k", strings.Repeat("v", 2<<20))}}
	done := make(chan error, 2)
	under := func() {
		go func() {
			_, err := grpcCall(t.Context(), st, large)
			done <- err
		}()
		<-entered
	}
	under()
	got := overGRPC(t, st, large, &shalev1.CommitResponse{})
	require.Equal(t, "resource_exhausted", got.code)
	require.Equal(t, "OVERLOADED", got.detail.GetReason())
	require.Contains(t, got.message, "large calls")
	large = &shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("l", "small")}}
	under()
	got = st.post(t, "Begin", []byte("{}"), nil)
	require.Equal(t, "resource_exhausted", got.code)
	require.Contains(t, got.message, "calls at once")
	close(leave)
	for range 2 {
		require.NoError(t, <-done)
	}
}

// What cannot be read is refused in our words: with reason and detail.
func TestUnreadableRequests(t *testing.T) {
	st := newSite(t, newWorld(t), nil)
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "{", "another type": `{"keys":7}`, "no base64": `{"keys":["*"]}`, "an array": "[]",
	} {
		got := st.post(t, "Get", []byte(body), nil)
		require.NotNil(t, got, name)
		require.Equal(t, "invalid_argument", got.code, name)
		require.True(t, strings.HasPrefix(got.message, "MALFORMED: "), got.message)
		require.Equal(t, "MALFORMED", got.detail.GetReason(), name)
	}
	got := st.post(t, "Commit", []byte(`{"mutations":[{"op":"OP_BOGUS","key":"aw=="}]}`), nil)
	require.Equal(t, "invalid_argument", got.code, "unknown enum")
	require.Nil(t, st.post(t, "Begin", []byte(`{"laterField":1}`), &shalev1.BeginResponse{}), "a field of a later release")

	for name, bytes := range map[string][]byte{"cut off": {0x12, 0xff}, "forged note": append(noteTag(), 0)} {
		res, err := st.h1.Post("http://"+st.address+"/"+shalev1connect.TxnServiceName+"/Get", "application/proto", strings.NewReader(string(bytes)))
		require.NoError(t, err)
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "MALFORMED", parseError(t, answer).detail.GetReason(), name)
	}
}

func noteTag() []byte {
	m := &shalev1.BeginRequest{}
	if err := (codec{name: "json", json: true}).Unmarshal([]byte("?"), m); err != nil {
		panic(err)
	}
	tag := m.ProtoReflect().GetUnknown()
	for i, b := range tag {
		if b < 0x80 {
			return tag[:i+1]
		}
	}
	return nil
}

// P33: for every request that a node takes there is a rule; one without is refused.
func TestEveryRequestHasARule(t *testing.T) {
	files := []protoreflect.FileDescriptor{shalev1.File_shale_v1_txn_proto, shalev1.File_shale_v1_cluster_proto,
		nodev1.File_shale_node_v1_node_proto}
	unary := 0
	for _, f := range files {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				if m.IsStreamingClient() || m.IsStreamingServer() {
					continue
				}
				unary++
				msg, err := newMessage(m.Input())
				require.NoError(t, err)
				_, err = accessOf(msg)
				require.NoError(t, err, m.FullName())
			}
		}
	}
	require.Greater(t, unary, 15)
	calls := (&nodev1.Call{}).ProtoReflect()
	requests := calls.Descriptor().Oneofs().ByName("request").Fields()
	for i := range requests.Len() {
		call := &nodev1.Call{Shard: 1}
		call.ProtoReflect().Set(requests.Get(i), calls.NewField(requests.Get(i)))
		_, req, err := wire.DecodeCall(call)
		require.NoError(t, err)
		_, err = accessOf(req)
		require.NoError(t, err, "%T", req)
	}
	_, err := accessOf(&shalev1.Txn{})
	require.Error(t, err, "deny by default")
	_, err = accessOf(struct{}{})
	require.Error(t, err)
}

// newMessage makes a message of a generated type.
func newMessage(d protoreflect.MessageDescriptor) (proto.Message, error) {
	for _, m := range messages() {
		if m.ProtoReflect().Descriptor() == d {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%s is not among the messages tried", d.FullName())
}

func messages() []proto.Message {
	return []proto.Message{
		&shalev1.BeginRequest{}, &shalev1.GetRequest{}, &shalev1.ScanRequest{}, &shalev1.CommitRequest{},
		&shalev1.RollbackRequest{}, &shalev1.HeartbeatRequest{}, &shalev1.OutcomeRequest{},
		&shalev1.ListNodesRequest{}, &shalev1.ListShardsRequest{}, &shalev1.SplitShardRequest{},
		&shalev1.MergeShardsRequest{}, &shalev1.MoveReplicaRequest{}, &shalev1.TransferLeaderRequest{},
		&shalev1.ListLocksRequest{}, &shalev1.ListTransactionsRequest{}, &shalev1.ShowTransactionRequest{},
		&shalev1.ResolveLockRequest{}, &shalev1.ActivityRequest{},
		&shalev1.DrainNodeRequest{}, &shalev1.DecommissionNodeRequest{}, &shalev1.StatusRequest{},
		&nodev1.HelloRequest{}, &nodev1.InitRequest{}, &nodev1.BootstrapRequest{}, &nodev1.JoinRequest{},
		&nodev1.InspectRequest{}, &nodev1.SnapshotOffsetRequest{}, &nodev1.ExplainRequest{}, &nodev1.SettingsRequest{},
	}
}

// P33: wherever a system key stands in a request, public or between nodes, it is found.
func TestSystemKeysAreFoundEverywhere(t *testing.T) {
	sys, key := mvcc.Key("\x00k"), mvcc.Key("k")
	span := &shalev1.Span{Start: []byte(sys), End: []byte("z")}
	for _, req := range []any{
		&mvcc.GetArgs{Keys: []mvcc.Key{key, sys}}, &mvcc.GetArgs{Keys: []mvcc.Key{key}, Primary: sys},
		&mvcc.ScanArgs{Span: mvcc.Span{Start: sys}}, &mvcc.ScanArgs{Span: mvcc.Span{Start: key}, Primary: sys},
		&mvcc.PrewriteArgs{Primary: key, Secondaries: []mvcc.Key{key, sys}}, &mvcc.PrewriteArgs{Primary: key, ReadKeys: []mvcc.Key{sys}},
		&mvcc.ClaimArgs{Primary: key, Keys: []mvcc.Key{key, sys}}, &mvcc.ClaimArgs{Primary: sys},
		&mvcc.FenceArgs{Primary: key, Keys: []mvcc.Key{key, sys}}, &mvcc.FenceArgs{Primary: sys},
		&mvcc.ValidateArgs{Keys: []mvcc.Key{key, sys}},
		&mvcc.ValidateArgs{Keys: []mvcc.Key{key}, Spans: []mvcc.Span{{Start: key}, {Start: sys, End: key}}},
		&routing.WaitArgs{Edges: []mvcc.WaitEdge{{Key: key}, {Key: sys}}},
		&routing.VictimArgs{Key: sys}, &routing.VictimArgs{Key: key, Cycle: []mvcc.WaitEdge{{Key: sys}}},
		&mvcc.PrewriteArgs{Primary: key, Mutations: []mvcc.Mutation{{Key: key}, {Key: sys}}},
		&mvcc.PrewriteArgs{Primary: sys},
		&mvcc.CommitArgs{Primary: key, Keys: []mvcc.Key{sys}}, &mvcc.CommitArgs{Primary: sys},
		&mvcc.RollbackArgs{Primary: key, Keys: []mvcc.Key{sys}}, &mvcc.RollbackArgs{Primary: sys},
		&mvcc.CheckTxnArgs{Primary: sys}, &mvcc.OutcomeArgs{Primary: sys}, &mvcc.HeartbeatArgs{Primary: sys},
		&shalev1.GetRequest{Keys: [][]byte{[]byte(key), []byte(sys)}}, &shalev1.ScanRequest{Start: []byte(sys)},
		&shalev1.CommitRequest{Mutations: []*shalev1.Mutation{put("k", ""), put(string(sys), "")}},
		&shalev1.CommitRequest{Reads: &shalev1.Reads{Keys: [][]byte{[]byte(sys)}}},
		&shalev1.CommitRequest{Reads: &shalev1.Reads{Spans: []*shalev1.Span{span}}},
		&shalev1.RollbackRequest{Primary: []byte(sys)}, &shalev1.OutcomeRequest{Primary: []byte(sys)},
	} {
		require.Error(t, admit(req), "%T", req)
	}
	for _, h := range []wire.Handle{{Primary: sys}, {Primary: key, Claims: []mvcc.Key{key, sys}}} { // a handle can be forged
		h.ID, h.ReadTS, h.Pessimistic = 5, 5, true
		tx := wire.EncodeHandle(&h)
		for _, req := range []any{&shalev1.GetRequest{Txn: tx}, &shalev1.ScanRequest{Txn: tx}, &shalev1.CommitRequest{Txn: tx},
			&shalev1.RollbackRequest{Txn: tx}, &shalev1.HeartbeatRequest{Txn: tx}, &shalev1.OutcomeRequest{Txn: tx}} {
			require.Error(t, admit(req), "%T", req)
		}
	}
	require.NoError(t, admit(&mvcc.PrewriteArgs{Primary: key, Mutations: []mvcc.Mutation{{Key: key}}}))
	require.NoError(t, admit(&mvcc.GetArgs{Keys: []mvcc.Key{key}}), "holding nothing")
	require.NoError(t, admit(&mvcc.ValidateArgs{Spans: []mvcc.Span{{Start: mvcc.FirstUserKey}}}))
	require.NoError(t, admit(&shalev1.ScanRequest{}), "from the first user key on")
}

func (st *site) fetch(t *testing.T, path string) (int, string) {
	res, err := st.h1.Get("http://" + st.address + path)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestOperatorsPages(t *testing.T) {
	var notReady error
	st := newSite(t, newWorld(t), func(c *Config) { c.Ready = func() error { return notReady } })
	user{t, st, ways()[0]}.begin()
	code, body := st.fetch(t, "/healthz")
	require.Equal(t, "200 ok\n", fmt.Sprint(code, " ", body))
	code, body = st.fetch(t, "/readyz")
	require.Equal(t, "200 ready\n", fmt.Sprint(code, " ", body))
	notReady = errors.New("no leader of the system group")
	code, body = st.fetch(t, "/readyz")
	require.Equal(t, "503 not ready: no leader of the system group\n", fmt.Sprint(code, " ", body))
	code, body = st.fetch(t, "/metrics")
	require.Equal(t, 200, code)
	require.Contains(t, body, `shale_rpc_total{code="ok",procedure="/shale.v1.TxnService/Begin"} 1`)
	require.Contains(t, body, "shale_rpc_seconds_bucket")
	code, _ = st.fetch(t, "/debug/pprof/cmdline")
	require.Equal(t, 200, code, "from this machine")
	code, _ = st.fetch(t, "/nothing")
	require.Equal(t, 404, code)
}

func TestProfilesAreForThisMachineAlone(t *testing.T) {
	st := newSite(t, newWorld(t), nil)
	for from, want := range map[string]int{"10.0.0.1:99": 403, "nonsense": 403, "[::1]:99": 200, "127.0.0.1:99": 200} {
		w := &recorder{header: http.Header{}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/pprof/cmdline", http.NoBody)
		require.NoError(t, err)
		req.RemoteAddr = from
		st.s.Handler().ServeHTTP(w, req)
		require.Equal(t, want, w.code, from)
	}
}

// recorder notes the status.
type recorder struct {
	header http.Header
	code   int
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
}
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return len(b), nil
}

func TestHealthAndReflection(t *testing.T) {
	st := newSite(t, newWorld(t), nil)
	for _, name := range append(services(), "") {
		body := fmt.Sprintf(`{"service":%q}`, name)
		res, err := st.h1.Post("http://"+st.address+"/"+grpchealth.HealthV1ServiceName+"/Check", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.JSONEq(t, `{"status":"SERVING_STATUS_SERVING"}`, string(answer), name)
	}
	c := grpcreflect.NewClient(st.h2, "http://"+st.address)
	stream := c.NewStream(t.Context())
	defer stream.Close()
	names, err := stream.ListServices()
	require.NoError(t, err)
	require.ElementsMatch(t, []protoreflect.FullName{shalev1connect.TxnServiceName, shalev1connect.ClusterServiceName}, names)
	files, err := stream.FileContainingSymbol(shalev1connect.TxnServiceName)
	require.NoError(t, err)
	require.Equal(t, "shale/v1/txn.proto", files[0].GetName())
}
