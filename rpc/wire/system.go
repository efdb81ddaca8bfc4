package wire

import (
	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/directory"
	"github.com/shaledb/shale/shard/routing"
)

// What the system group alone is asked.

func encodeSystemRequest(m *nodev1.Call, req routing.Request) bool {
	switch r := req.(type) {
	case *directory.ListArgs:
		m.Request = &nodev1.Call_List{List: &nodev1.ListArgs{Since: r.Since}}
	case *directory.LookupArgs:
		m.Request = &nodev1.Call_Lookup{Lookup: &nodev1.LookupArgs{Key: []byte(r.Key)}}
	case *directory.JoinArgs:
		m.Request = &nodev1.Call_Join{Join: &nodev1.JoinArgs{StoreId: r.StoreID, Address: r.Address}}
	case *directory.ReportArgs:
		m.Request = &nodev1.Call_Report{Report: &nodev1.ReportArgs{
			Node: uint64(r.Node), Address: r.Address, Shards: EncodeDescriptors(r.Shards)}}
	case *directory.AllocateArgs:
		m.Request = &nodev1.Call_Allocate{Allocate: &nodev1.AllocateArgs{ReplicaCount: uint32(r.ReplicaCount)}}
	case *directory.DrainArgs:
		m.Request = &nodev1.Call_Drain{Drain: &nodev1.DrainArgs{Node: uint64(r.Node), Undo: r.Undo}}
	default:
		return false
	}
	return true
}

func decodeSystemRequest(m *nodev1.Call) (routing.Request, error) {
	switch x := m.GetRequest().(type) {
	case *nodev1.Call_List:
		return &directory.ListArgs{Since: x.List.GetSince()}, nil
	case *nodev1.Call_Lookup:
		return &directory.LookupArgs{Key: mvcc.Key(x.Lookup.GetKey())}, nil
	case *nodev1.Call_Join:
		return &directory.JoinArgs{StoreID: x.Join.GetStoreId(), Address: x.Join.GetAddress()}, nil
	case *nodev1.Call_Report:
		shards, err := DecodeDescriptors(x.Report.GetShards())
		if err != nil {
			return nil, err
		}
		return &directory.ReportArgs{Node: routing.NodeID(x.Report.GetNode()),
			Address: x.Report.GetAddress(), Shards: shards}, nil
	case *nodev1.Call_Allocate:
		return &directory.AllocateArgs{ReplicaCount: int(x.Allocate.GetReplicaCount())}, nil
	case *nodev1.Call_Drain:
		return &directory.DrainArgs{Node: routing.NodeID(x.Drain.GetNode()), Undo: x.Drain.GetUndo()}, nil
	}
	return nil, nil
}

func encodeSystemResponse(m *nodev1.Reply, res routing.Response) bool {
	switch r := res.(type) {
	case *directory.ListResult:
		a := &nodev1.ListResult{Version: r.Version, ClusterId: r.ClusterID, Shards: EncodeDescriptors(r.Shards)}
		for _, n := range r.Nodes {
			a.Nodes = append(a.Nodes, &nodev1.NodeAddress{Id: uint64(n.ID), Address: n.Address, StoreId: n.StoreID,
				Draining: n.Draining})
		}
		m.Result = &nodev1.Reply_List{List: a}
	case *directory.LookupResult:
		m.Result = &nodev1.Reply_Lookup{Lookup: &nodev1.LookupResult{Shards: EncodeDescriptors(r.Shards)}}
	case *directory.JoinResult:
		m.Result = &nodev1.Reply_Join{Join: &nodev1.JoinResult{Node: uint64(r.Node), ClusterId: r.ClusterID}}
	case *directory.ReportResult:
		m.Result = &nodev1.Reply_Report{Report: &nodev1.ReportResult{Version: r.Version}}
	case *directory.AllocateResult:
		a := &nodev1.AllocateResult{Shard: uint64(r.Shard)}
		for _, id := range r.Replicas {
			a.Replicas = append(a.Replicas, uint64(id))
		}
		m.Result = &nodev1.Reply_Allocate{Allocate: a}
	case *directory.DrainResult:
		m.Result = &nodev1.Reply_Drain{Drain: &nodev1.DrainResult{Version: r.Version}}
	default:
		return false
	}
	return true
}

func decodeSystemResponse(m *nodev1.Reply) (routing.Response, error) {
	switch x := m.GetResult().(type) {
	case *nodev1.Reply_List:
		shards, err := DecodeDescriptors(x.List.GetShards())
		r := &directory.ListResult{Version: x.List.GetVersion(), ClusterID: x.List.GetClusterId(), Shards: shards}
		for _, n := range x.List.GetNodes() {
			r.Nodes = append(r.Nodes, directory.Node{ID: routing.NodeID(n.GetId()),
				StoreID: n.GetStoreId(), Address: n.GetAddress(), Draining: n.GetDraining()})
		}
		return r, err
	case *nodev1.Reply_Lookup:
		shards, err := DecodeDescriptors(x.Lookup.GetShards())
		return &directory.LookupResult{Shards: shards}, err
	case *nodev1.Reply_Join:
		return &directory.JoinResult{Node: routing.NodeID(x.Join.GetNode()), ClusterID: x.Join.GetClusterId()}, nil
	case *nodev1.Reply_Report:
		return &directory.ReportResult{Version: x.Report.GetVersion()}, nil
	case *nodev1.Reply_Allocate:
		r := &directory.AllocateResult{Shard: routing.ShardID(x.Allocate.GetShard())}
		for _, id := range x.Allocate.GetReplicas() {
			r.Replicas = append(r.Replicas, routing.ReplicaID(id))
		}
		return r, nil
	case *nodev1.Reply_Drain:
		return &directory.DrainResult{Version: x.Drain.GetVersion()}, nil
	}
	return nil, nil
}
