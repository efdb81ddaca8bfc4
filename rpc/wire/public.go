package wire

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

// publicOp is one of the operations of a Commit.
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
	case shalev1.Op_OP_ADD:
		return mvcc.MutationAdd, nil
	case shalev1.Op_OP_MIN:
		return mvcc.MutationMin, nil
	case shalev1.Op_OP_MAX:
		return mvcc.MutationMax, nil
	case shalev1.Op_OP_APPEND:
		return mvcc.MutationAppend, nil
	}
	return 0, &mvcc.InvalidError{Reason: mvcc.ReasonOpUnknown, What: fmt.Sprintf("a mutation has the unknown operation %d", op),
		Hint: "name an operation: OP_PUT, OP_DELETE, OP_INSERT, an atomic one or a check"}
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

// DecodeContent reads all of a Commit that makes its digest but the isolation, which its
// handle says.
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
	return op == mvcc.MutationPut || op == mvcc.MutationInsert || op == mvcc.MutationCheckValue || op.Atomic()
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
