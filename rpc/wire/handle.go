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
	// Serializable: a Commit of a transaction that has read must say what.
	Serializable bool
	// Fixed: a plain read was made at ReadTS, so that it stays (S5).
	Fixed       bool
	Pessimistic bool
	// Primary is the first key claimed: its record decides the transaction. Empty: none was.
	Primary mvcc.Key
	// Claims are the keys claimed, so that they are freed with the end of the transaction. At
	// most claimsMax of them, with claimsBytesMax bytes, travel: the others are left to those
	// who meet them.
	Claims []mvcc.Key
	// Bare: the client sent the id alone, which is enough for Outcome and Rollback.
	Bare bool
}

// The state of a handle is
//
//	version, flags, length of the cluster's id, the cluster's id,
//	of a pessimistic one: the primary, the number of claims, the claims (lengths as varints),
//	a CRC32C over the id, the read timestamp and all of these.
//
// A change of form is a change of the version.
const (
	handleVersion = 2
	handleHead    = 3
	handleSum     = 4

	handleReadOnly     = 1 << 0
	handleSerializable = 1 << 1
	handleFixed        = 1 << 2
	handlePessimistic  = 1 << 3
	handleFlags        = 1<<4 - 1

	claimsMax      = 64
	claimsBytesMax = 8 << 10
)

// EncodeHandle makes the public message of a handle.
func EncodeHandle(h *Handle) *shalev1.Txn {
	id := h.ClusterID[:min(len(h.ClusterID), 255)]
	state := append([]byte{handleVersion, h.flags(), byte(len(id))}, id...)
	if h.Pessimistic {
		state = appendKey(state, h.Primary)
		listed := listed(h.Claims)
		state = binary.AppendUvarint(state, uint64(len(listed)))
		for _, k := range listed {
			state = appendKey(state, k)
		}
	}
	state = binary.BigEndian.AppendUint32(state, handleChecksum(uint64(h.ID), uint64(h.ReadTS), state))
	return &shalev1.Txn{Id: uint64(h.ID), ReadTimestamp: uint64(h.ReadTS), State: state}
}

// listed are the claims that travel: the first ones.
func listed(claims []mvcc.Key) []mvcc.Key {
	n, size := 0, 0
	for ; n < min(len(claims), claimsMax); n++ {
		if size += len(claims[n]); size > claimsBytesMax {
			break
		}
	}
	return claims[:n]
}

func appendKey(state []byte, k mvcc.Key) []byte {
	return append(binary.AppendUvarint(state, uint64(len(k))), k...)
}

func (h *Handle) flags() (flags byte) {
	for _, f := range [...]struct {
		set bool
		bit byte
	}{{h.ReadOnly, handleReadOnly}, {h.Serializable, handleSerializable}, {h.Fixed, handleFixed},
		{h.Pessimistic, handlePessimistic}} {
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
	h, err := openHandle(m)
	switch {
	case err != nil:
		return nil, err
	case h.Bare && !bare:
		return nil, badHandle("its state is missing")
	case h.Bare:
		h.ClusterID = clusterID
	case h.ClusterID != clusterID:
		return nil, badHandle(fmt.Sprintf("it is of cluster %q, this is %q", h.ClusterID, clusterID))
	}
	return h, nil
}

// HandleKeys are the keys that whoever sends the handle touches, whatever else the request
// says: its claims, and the primary.
func HandleKeys(m *shalev1.Txn) ([]mvcc.Key, error) {
	if m == nil {
		return nil, nil
	}
	h, err := openHandle(m)
	if err != nil || h.Primary == "" {
		return nil, err
	}
	return append([]mvcc.Key{h.Primary}, h.Claims...), nil
}

// openHandle reads a handle of any cluster.
func openHandle(m *shalev1.Txn) (*Handle, error) {
	h := &Handle{ID: ts(m.GetId()), ReadTS: ts(m.GetReadTimestamp())}
	if h.ID == 0 || h.ID >= timestamp.Max || h.ReadTS >= timestamp.Max {
		return nil, badHandle("its id or read timestamp is none")
	}
	state := m.GetState()
	if len(state) == 0 {
		h.Bare = true
		return h, nil
	}
	if len(state) < handleHead+handleSum {
		return nil, badHandle("its state is cut off")
	}
	body, sum := state[:len(state)-handleSum], binary.BigEndian.Uint32(state[len(state)-handleSum:])
	switch {
	case handleChecksum(m.GetId(), m.GetReadTimestamp(), body) != sum:
		return nil, badHandle("its checksum does not match: it was changed")
	case body[0] != handleVersion:
		return nil, &mvcc.InvalidError{Reason: reasonHandle,
			What: fmt.Sprintf("the txn cannot be used: its state is of version %d, this node knows version %d", body[0], handleVersion),
			Hint: "a node of another release made it: begin the transaction again"}
	case !h.read(body) || h.ReadTS == 0:
		return nil, badHandle("this node does not know what it says")
	}
	return h, nil
}

// read takes the body of a state in; false: it makes no sense.
func (h *Handle) read(body []byte) bool {
	flags, id := body[1], int(body[2])
	if flags&^handleFlags != 0 || len(body) < handleHead+id {
		return false
	}
	h.ReadOnly, h.Serializable = flags&handleReadOnly != 0, flags&handleSerializable != 0
	h.Fixed, h.Pessimistic = flags&handleFixed != 0, flags&handlePessimistic != 0
	h.ClusterID = string(body[handleHead : handleHead+id])
	rest := body[handleHead+id:]
	if h.Pessimistic {
		var ok bool
		if rest, ok = h.readClaims(rest); !ok {
			return false
		}
	}
	return len(rest) == 0 && !(h.Pessimistic && h.ReadOnly)
}

// readClaims takes the primary and the claims in. Of a transaction that has claimed nothing
// the primary is empty.
func (h *Handle) readClaims(b []byte) ([]byte, bool) {
	primary, b, ok := cutKey(b)
	if !ok {
		return nil, false
	}
	h.Primary = primary
	n, size := binary.Uvarint(b)
	if size <= 0 || n > claimsMax || n > 0 && primary == "" {
		return nil, false
	}
	b = b[size:]
	total := 0
	for range n {
		var k mvcc.Key
		if k, b, ok = cutKey(b); !ok || k == "" {
			return nil, false
		}
		if total += len(k); total > claimsBytesMax {
			return nil, false
		}
		h.Claims = append(h.Claims, k)
	}
	return b, true
}

func cutKey(b []byte) (mvcc.Key, []byte, bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > mvcc.MaxKeySize || uint64(len(b)-size) < n {
		return "", nil, false
	}
	return mvcc.Key(b[size : size+int(n)]), b[size+int(n):], true
}

const reasonHandle = "TXN_MALFORMED"

func badHandle(what string) error {
	return &mvcc.InvalidError{Reason: reasonHandle, What: "the txn cannot be used: " + what,
		Hint: "send the txn of the last response, unchanged"}
}
