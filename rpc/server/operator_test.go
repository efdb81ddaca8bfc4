package server

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/proto/shale/v1/shalev1connect"
)

// procedures are all of the services of two files.
func procedures(files ...protoreflect.FileDescriptor) []string {
	var all []string
	for _, f := range files {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				all = append(all, "/"+string(s.FullName())+"/"+string(s.Methods().Get(j).Name()))
			}
		}
	}
	return all
}

// P30, P35: what operators call passes one place, which lets everybody through where there are
// no identities, and nobody where there are and nothing is known of them.
func TestOperatorsPassOnePlace(t *testing.T) {
	open := map[string]bool{nodev1connect.NodeServiceHelloProcedure: true, nodev1connect.NodeServiceBootstrapProcedure: true,
		nodev1connect.NodeServiceJoinProcedure: true}
	all := procedures(nodev1.File_shale_node_v1_node_proto, nodev1.File_shale_node_v1_call_proto,
		shalev1.File_shale_v1_cluster_proto, shalev1.File_shale_v1_txn_proto)
	require.Greater(t, len(all), 25)
	insecure, closed := &Server{cfg: Config{Insecure: true}}, &Server{}
	for _, p := range all {
		service, _, _ := strings.Cut(p[1:], "/")
		theirs := service == shalev1connect.ClusterServiceName || service == nodev1connect.NodeServiceName && !open[p]
		require.Equal(t, theirs, forOperators(p), p)
		require.NoError(t, insecure.allowed(t.Context(), p), p)
		err := closed.allowed(t.Context(), p)
		if !theirs {
			require.NoError(t, err, p)
			continue
		}
		require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err), p)
		require.Len(t, err.(*connect.Error).Details(), 1)
	}
	require.True(t, forOperators("/shale.v1.NewService/DoAnything"), "what is new is closed")
}

// The place is on the way of every call.
func TestOperatorsCallsAreAsked(t *testing.T) {
	st := newSite(t, newWorld(t), nil)
	st.s.cfg.Insecure = false // as it will be with TLS
	nodes := nodev1connect.NewNodeServiceClient(st.h2, "http://"+st.address)
	_, err := nodes.Inspect(t.Context(), &nodev1.InspectRequest{})
	require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err), "%v", err)
	_, err = nodes.Hello(t.Context(), &nodev1.HelloRequest{})
	require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err), "%v", err)
	_, err = shalev1connect.NewClusterServiceClient(st.h2, "http://"+st.address).Status(t.Context(), &shalev1.StatusRequest{})
	require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err), "%v", err)
}
