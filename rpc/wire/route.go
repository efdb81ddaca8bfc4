package wire

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/routing"
)

// EncodeDescriptor makes the message of a descriptor.
func EncodeDescriptor(d *routing.Descriptor) *nodev1.Descriptor {
	m := &nodev1.Descriptor{
		Id: uint64(d.ID), Start: []byte(d.Span.Start), End: []byte(d.Span.End),
		Bounds: uint64(d.Epoch.Bounds), Members: uint64(d.Epoch.Members), Leader: uint64(d.Leader),
	}
	for _, r := range d.Replicas {
		m.Replicas = append(m.Replicas,
			&nodev1.Replica{Id: uint64(r.ID), Node: uint64(r.Node), Role: uint32(r.Role)})
	}
	return m
}

// DecodeDescriptor reads a descriptor; none, or one without a shard, is an error.
func DecodeDescriptor(m *nodev1.Descriptor) (routing.Descriptor, error) {
	if m.GetId() == 0 {
		return routing.Descriptor{}, malformed("a descriptor names no shard")
	}
	d := routing.Descriptor{
		ID:   routing.ShardID(m.GetId()),
		Span: mvcc.Span{Start: mvcc.Key(m.GetStart()), End: mvcc.Key(m.GetEnd())},
		Epoch: routing.Epoch{
			Bounds:  routing.BoundsEpoch(m.GetBounds()),
			Members: routing.MembersEpoch(m.GetMembers()),
		},
		Leader: routing.NodeID(m.GetLeader()),
	}
	for _, r := range m.GetReplicas() {
		role := routing.Role(r.GetRole())
		if r.GetRole() > uint32(routing.Learner) || role < routing.Voter {
			return routing.Descriptor{}, malformed("replica %d has the unknown role %d", r.GetId(), r.GetRole())
		}
		d.Replicas = append(d.Replicas, routing.Replica{
			ID: routing.ReplicaID(r.GetId()), Node: routing.NodeID(r.GetNode()), Role: role})
	}
	return d, nil
}

// EncodeDescriptors does so for each.
func EncodeDescriptors(ds []routing.Descriptor) []*nodev1.Descriptor {
	if len(ds) == 0 {
		return nil
	}
	ms := make([]*nodev1.Descriptor, len(ds))
	for i := range ds {
		ms[i] = EncodeDescriptor(&ds[i])
	}
	return ms
}

// DecodeDescriptors does so for each.
func DecodeDescriptors(ms []*nodev1.Descriptor) ([]routing.Descriptor, error) {
	if len(ms) == 0 {
		return nil, nil
	}
	ds := make([]routing.Descriptor, len(ms))
	for i, m := range ms {
		d, err := DecodeDescriptor(m)
		if err != nil {
			return nil, err
		}
		ds[i] = d
	}
	return ds, nil
}

// malformed is the answer to a message that no correct sender makes.
func malformed(format string, args ...any) error {
	return &mvcc.InvalidError{Reason: "MALFORMED", What: fmt.Sprintf(format, args...),
		Hint: "sender and receiver are of different releases, or the bytes were damaged"}
}

func encodeKeys(ks []mvcc.Key) [][]byte {
	if len(ks) == 0 {
		return nil
	}
	out := make([][]byte, len(ks))
	for i, k := range ks {
		out[i] = []byte(k)
	}
	return out
}

func decodeKeys(bs [][]byte) []mvcc.Key {
	if len(bs) == 0 {
		return nil
	}
	out := make([]mvcc.Key, len(bs))
	for i, b := range bs {
		out[i] = mvcc.Key(b)
	}
	return out
}

// encodeDigest leaves the zero digest, "not recorded", out.
func encodeDigest(d mvcc.Digest) []byte {
	if d == (mvcc.Digest{}) {
		return nil
	}
	return d[:]
}

func decodeDigest(b []byte) (d mvcc.Digest, err error) {
	if len(b) != 0 && copy(d[:], b) != len(b) || len(b) != 0 && len(b) != len(d) {
		return mvcc.Digest{}, malformed("a digest has %d bytes instead of %d", len(b), len(d))
	}
	return d, nil
}
