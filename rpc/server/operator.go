package server

import (
	"context"
	"errors"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
)

// forOperators says whether a procedure is one that only operators may call: all are that are
// not named here, so that a new one is closed until somebody says otherwise.
func forOperators(procedure string) bool {
	service, _, _ := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	switch service {
	case shalev1connect.TxnServiceName: // clients
		return false
	case nodev1connect.ShardServiceName, nodev1connect.PeerServiceName: // nodes, and clients that route
		return false
	case grpchealth.HealthV1ServiceName, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection":
		return false
	}
	switch procedure {
	case nodev1connect.NodeServiceHelloProcedure, nodev1connect.NodeServiceBootstrapProcedure,
		nodev1connect.NodeServiceJoinProcedure: // nodes that look for their cluster
		return false
	}
	return true
}

// operator says whether the caller may do what operators do: see and change the shards, look
// into a replica's file, end the transactions of others. It is the one place that does. Without
// TLS nobody has an identity, and whoever reaches the port may, which is what --insecure
// means (P35); with it, nobody may until identities and roles are known here.
func (c *Config) operator(context.Context) error {
	if c.Insecure {
		return nil
	}
	err := connect.NewError(connect.CodePermissionDenied, errors.New("PERMISSION_DENIED: only operators may do this"))
	if d, e := connect.NewErrorDetail(&shalev1.ErrorDetail{Reason: "PERMISSION_DENIED",
		Hint: "call it with an operator's certificate"}); e == nil {
		err.AddDetail(d)
	}
	return err
}

// allowed lets through what the caller may call.
func (s *Server) allowed(ctx context.Context, procedure string) error {
	if !forOperators(procedure) {
		return nil
	}
	return s.cfg.operator(ctx)
}
