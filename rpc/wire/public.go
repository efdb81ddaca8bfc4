package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/timestamp"
)

// Handle is what a public Txn says. The client holds it, and gateways keep nothing else: so
// it carries the cluster's id and a checksum, which tell a handle of another cluster or with
// a flipped bit from a good one. It is no secret and no proof of identity.
type Handle struct {
	ID        timestamp.Timestamp
	ReadTS    timestamp.Timestamp
	ClusterID string
	ReadOnly  bool
	// Serializable: no gateway of this release begins one, and none goes on with one.
	Serializable bool
	// Read: the transaction has read. A serializable Commit must say what.
	Read bool
	// Bare: the client sent the id alone, which is enough for Outcome and Rollback.
	Bare bool
}

// The state of a handle is version, flags, length of the cluster's id, the cluster's id, and
// a CRC32C over the id, the read timestamp and all of these. Later releases raise the version.
const (
	handleVersion = 1
	handleFixed   = 3
	handleSum     = 4

	handleReadOnly     = 1 << 0
	handleSerializable = 1 << 1
	handleRead         = 1 << 2
	handleFlags        = 1<<3 - 1
)

// EncodeHandle makes the public message of a handle.
func EncodeHandle(h *Handle) *shalev1.Txn {
	id := h.ClusterID[:min(len(h.ClusterID), 255)]
	state := append([]byte{handleVersion, h.flags(), byte(len(id))}, id...)
	state = binary.BigEndian.AppendUint32(state, handleChecksum(uint64(h.ID), uint64(h.ReadTS), state))
	return &shalev1.Txn{Id: uint64(h.ID), ReadTimestamp: uint64(h.ReadTS), State: state}
}

func (h *Handle) flags() (flags byte) {
	for _, f := range [...]struct {
		set bool
		bit byte
	}{{h.ReadOnly, handleReadOnly}, {h.Serializable, handleSerializable}, {h.Read, handleRead}} {
		if f.set {
			flags |= f.bit
		}
	}
	return flags
}

func handleChecksum(id, readTS uint64, state []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	head := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, id), readTS)
	return crc32.Update(crc32.Checksum(head, table), table, state)
}

// DecodeHandle reads a handle that the gateways of clusterID made. Bare says whether the id
// alone is enough. None at all is no error here: nil comes back.
func DecodeHandle(m *shalev1.Txn, clusterID string, bare bool) (*Handle, error) {
	if m == nil {
		return nil, nil
	}
	h := &Handle{ID: ts(m.GetId()), ReadTS: ts(m.GetReadTimestamp()), ClusterID: clusterID}
	if h.ID == 0 || h.ID >= timestamp.Max || h.ReadTS >= timestamp.Max {
		return nil, badHandle("its id or read timestamp is none")
	}
	state := m.GetState()
	if len(state) == 0 && bare {
		h.Bare = true
		return h, nil
	}
	if len(state) < handleFixed+handleSum {
		return nil, badHandle("its state is missing or cut off")
	}
	body, sum := state[:len(state)-handleSum], binary.BigEndian.Uint32(state[len(state)-handleSum:])
	switch {
	case body[0] != handleVersion:
		return nil, badHandle(fmt.Sprintf("its state is of version %d, this node knows %d", body[0], handleVersion))
	case handleChecksum(m.GetId(), m.GetReadTimestamp(), body) != sum, len(body) != handleFixed+int(body[2]):
		return nil, badHandle("its checksum does not match: it was changed")
	case body[1]&^handleFlags != 0, h.ReadTS == 0:
		return nil, badHandle("this node does not know what it says")
	case string(body[handleFixed:]) != clusterID:
		return nil, badHandle(fmt.Sprintf("it is of cluster %q, this is %q", body[handleFixed:], clusterID))
	}
	h.ReadOnly = body[1]&handleReadOnly != 0
	h.Serializable = body[1]&handleSerializable != 0
	h.Read = body[1]&handleRead != 0
	return h, nil
}

func badHandle(what string) error {
	return &mvcc.InvalidError{Reason: "TXN_MALFORMED", What: "the txn cannot be used: " + what,
		Hint: "send the txn of the last response, unchanged"}
}

// publicOp is one of the operations of a Commit that exist so far.
func publicOp(op shalev1.Op) (mvcc.MutationOp, error) {
	switch op {
	case shalev1.Op_OP_PUT:
		return mvcc.MutationPut, nil
	case shalev1.Op_OP_DELETE:
		return mvcc.MutationDelete, nil
	case shalev1.Op_OP_INSERT:
		return mvcc.MutationInsert, nil
	case shalev1.Op_OP_CHECK_EXISTS:
		return mvcc.MutationCheckExists, nil
	case shalev1.Op_OP_CHECK_ABSENT:
		return mvcc.MutationCheckAbsent, nil
	case shalev1.Op_OP_CHECK_VALUE:
		return mvcc.MutationCheckValue, nil
	case shalev1.Op_OP_ADD, shalev1.Op_OP_MIN, shalev1.Op_OP_MAX, shalev1.Op_OP_APPEND:
		return 0, &UnimplementedError{What: "the atomic operation " + op.String()}
	}
	return 0, &mvcc.InvalidError{Reason: mvcc.ReasonOpUnknown, What: fmt.Sprintf("a mutation has the unknown operation %d", op),
		Hint: "name an operation: OP_PUT, OP_DELETE, OP_INSERT or a check"}
}

// DecodeMutations reads a Commit's mutations, in order. An INSERT of a key that is deleted
// before is the PUT that both amount to. Whether they keep within the contract's limits is
// for mvcc.ValidateMutations to say.
func DecodeMutations(ms []*shalev1.Mutation) ([]mvcc.Mutation, error) {
	out := make([]mvcc.Mutation, 0, len(ms))
	var deleted map[mvcc.Key]int // where in out
	for _, m := range ms {
		op, err := publicOp(m.GetOp())
		if err != nil {
			return nil, err
		}
		mu := mvcc.Mutation{Op: op, Key: mvcc.Key(m.GetKey())}
		if carriesValue(op) {
			if mu.Value = m.GetValue(); mu.Value == nil {
				mu.Value = []byte{} // nil is a delete's
			}
		}
		if i, ok := deleted[mu.Key]; ok && op == mvcc.MutationInsert {
			out[i].Op, out[i].Value = mvcc.MutationPut, mu.Value
			delete(deleted, mu.Key)
			continue
		}
		if op == mvcc.MutationDelete {
			if deleted == nil {
				deleted = map[mvcc.Key]int{}
			}
			deleted[mu.Key] = len(out)
		}
		out = append(out, mu)
	}
	return out, nil
}

// DecodeContent reads all of a Commit that makes its digest. Of the reads only their keys'
// form is checked: no isolation of this release uses them.
func DecodeContent(req *shalev1.CommitRequest) (mvcc.Content, error) {
	mutations, err := DecodeMutations(req.GetMutations())
	if err != nil {
		return mvcc.Content{}, err
	}
	keys, err := DecodeKeys(req.GetReads().GetKeys())
	if err != nil {
		return mvcc.Content{}, err
	}
	content := mvcc.Content{Mutations: mutations, ReadKeys: keys}
	for _, m := range req.GetReads().GetSpans() {
		span, err := DecodeSpan(m.GetStart(), m.GetEnd())
		if err != nil {
			return mvcc.Content{}, err
		}
		content.ReadSpans = append(content.ReadSpans, span)
	}
	return content, nil
}

func carriesValue(op mvcc.MutationOp) bool {
	return op == mvcc.MutationPut || op == mvcc.MutationInsert || op == mvcc.MutationCheckValue
}

// DecodeKeys reads keys that are to be read.
func DecodeKeys(bs [][]byte) ([]mvcc.Key, error) {
	keys := decodeKeys(bs)
	for _, k := range keys {
		if err := mvcc.ValidateKey(k); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// DecodeSpan reads a range to be scanned. An empty start is the first user key.
func DecodeSpan(start, end []byte) (mvcc.Span, error) {
	s := mvcc.Span{Start: mvcc.Key(start), End: mvcc.Key(end)}
	if s.Start == "" {
		s.Start = mvcc.FirstUserKey
	}
	for _, k := range [...]mvcc.Key{s.Start, s.End} {
		if k == "" {
			continue
		}
		if err := mvcc.ValidateBound(k); err != nil {
			return mvcc.Span{}, err
		}
	}
	return s, nil
}

// EncodeEntry makes the public entry of what a read found at a key.
func EncodeEntry(k mvcc.Key, v *mvcc.Version) *shalev1.Entry {
	e := &shalev1.Entry{Key: []byte(k)}
	if v != nil && v.Op == mvcc.OpPut {
		e.Found, e.Value, e.CommitTimestamp = true, v.Value, uint64(v.CommitTS)
	}
	return e
}

// EncodeState is the public word for what is recorded of a transaction.
func EncodeState(st *mvcc.TxnStatus) (state shalev1.State, commitTS uint64) {
	switch {
	case st.Decision == mvcc.Committed:
		return shalev1.State_STATE_COMMITTED, uint64(st.CommitTS)
	case st.Decision == mvcc.Aborted, st.Decision == mvcc.Fenced:
		return shalev1.State_STATE_ABORTED, 0
	case st.Expired:
		return shalev1.State_STATE_EXPIRED, 0
	}
	return shalev1.State_STATE_PENDING, 0
}
