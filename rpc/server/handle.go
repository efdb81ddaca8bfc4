package server

import (
	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/txn"
)

// handle reads a whole handle; nil: none was sent.
func handle(m *shalev1.Txn, cluster string) (*wire.Handle, error) {
	return wire.DecodeHandle(m, cluster, false)
}

// handleOrID takes a bare id, too.
func handleOrID(m *shalev1.Txn, cluster string) (*wire.Handle, error) {
	hd, err := wire.DecodeHandle(m, cluster, true)
	if err == nil && hd == nil {
		err = noHandle()
	}
	return hd, err
}

func noHandle() error {
	return &mvcc.InvalidError{Reason: "TXN_MISSING", What: "the txn is missing", Hint: "send the txn that Begin answered"}
}

// transaction is what the coordinator needs to know of the handle; none: an optimistic one.
func transaction(hd *wire.Handle) txn.Transaction {
	if hd == nil {
		return txn.Transaction{}
	}
	return txn.Transaction{Start: hd.ID, ReadTS: hd.ReadTS, Pessimistic: hd.Pessimistic,
		Primary: hd.Primary, Claims: hd.Claims, Fixed: hd.Fixed}
}

// primaryOf is the key whose record decides: what the handle knows is right, whatever the
// request says.
func primaryOf(hd *wire.Handle, named []byte) mvcc.Key {
	if hd.Primary != "" {
		return hd.Primary
	}
	return mvcc.Key(named)
}

// encode is the handle to go on with; nil: there is none.
func encode(c *txn.Coordinator, hd *wire.Handle) *shalev1.Txn {
	if hd == nil {
		return nil
	}
	m := wire.EncodeHandle(hd)
	if hd.Pessimistic {
		m.HeartbeatMs = uint32(max(c.HeartbeatEvery().Milliseconds(), 1))
	}
	return m
}
