package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
	"github.com/shaledb/shale/rpc/client"
)

// Server answers a node's port. Its methods may be called by any goroutine.
type Server struct {
	cfg     Config
	metrics *metrics
	health  *grpchealth.StaticChecker
	http    *http.Server
	handler http.Handler
	started time.Time
	ctx     context.Context // ends when the server stops: streams end with it
	cancel  context.CancelFunc
}

// New makes a server; Serve sets it going.
func New(cfg Config) (*Server, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, started: time.Now(), health: grpchealth.NewStaticChecker(services()...)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	var err error
	if s.metrics, err = newMetrics(cfg.Collectors); err != nil {
		s.cancel()
		return nil, err
	}
	s.handler = s.limit(s.routes())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler: s.handler, Protocols: protocols,
		ReadHeaderTimeout: cfg.HeaderTimeout, IdleTimeout: cfg.IdleTimeout, MaxHeaderBytes: cfg.HeaderMax,
		// No ReadTimeout and no WriteTimeout: they would end streams (P37).
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: cfg.StreamsMax, MaxReadFrameSize: 1 << 20,
			MaxReceiveBufferPerStream: 4 << 20, MaxReceiveBufferPerConnection: 16 << 20,
			SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: 30 * time.Second,
		},
		ErrorLog: nil,
	}
	return s, nil
}

// services are those that health and reflection name.
func services() []string {
	return []string{shalev1connect.TxnServiceName, shalev1connect.ClusterServiceName}
}

// routes puts every handler at its path.
func (s *Server) routes() *http.ServeMux {
	// How large a public request may be, limit says, and how large an answer, the handlers:
	// with a reason, which connect's own bounds would not give.
	public := append(publicCodecs(), connect.WithCompression("gzip", nil, nil),
		connect.WithInterceptors(s.interceptor()), connect.WithRecover(s.recovered))
	internal := []connect.HandlerOption{
		connect.WithReadMaxBytes(client.RequestMax), connect.WithSendMaxBytes(client.MessageMax),
		connect.WithCompression("gzip", nil, nil), connect.WithInterceptors(s.interceptor()),
		connect.WithRecover(s.recovered),
	}
	mux := http.NewServeMux()
	mux.Handle(shalev1connect.NewTxnServiceHandler(transactions{s}, public...))
	mux.Handle(shalev1connect.NewClusterServiceHandler(clusters{s}, public...))
	mux.Handle(nodev1connect.NewShardServiceHandler(shards{s}, internal...))
	mux.Handle(nodev1connect.NewPeerServiceHandler(newPeers(s), internal...))
	mux.Handle(nodev1connect.NewNodeServiceHandler(s.cfg.Nodes, internal...))
	mux.Handle(grpchealth.NewHandler(s.health, internal...))
	reflector := grpcreflect.NewStaticReflector(services()...)
	mux.Handle(grpcreflect.NewHandlerV1(reflector, internal...))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, internal...))
	s.debugRoutes(mux)
	return mux
}

// Handler is everything that the server answers, for tests and for embedding.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers a listener's connections until Shutdown; then it returns nil.
func (s *Server) Serve(lis net.Listener) error {
	if err := s.http.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown says that the node is going, ends the streams, lets unary calls finish as far as
// ctx allows, and closes all connections.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, name := range services() {
		s.health.SetStatus(name, grpchealth.StatusNotServing)
	}
	s.cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}
