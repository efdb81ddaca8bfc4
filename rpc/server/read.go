package server

import (
	"context"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/txn"
)

const (
	answerMax = 64 << 20 // keys and values of one Get's answer
	entrySize = 32       // what an entry costs beside them, about
	pageMax   = 2 << 20  // keys and values of one page
	rowsMax   = 16 << 10 // entries of one page
)

// Get reads keys at the transaction's read timestamp, or their newest of one moment. For
// update it claims them first.
func (h transactions) Get(ctx context.Context, req *shalev1.GetRequest) (*shalev1.GetResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handle(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	keys, err := wire.DecodeKeys(req.GetKeys())
	if err != nil {
		return nil, err
	}
	read := plainRead
	if req.GetForUpdate() {
		read = claim
	}
	versions, err := read(ctx, c, hd, keys)
	if err != nil {
		return nil, err
	}
	res := &shalev1.GetResponse{Txn: encode(c, hd), Entries: make([]*shalev1.Entry, len(keys))}
	size := 0
	for i, k := range keys {
		if size += entrySize + len(k) + len(versions[i].Value); size > answerMax {
			return nil, &wire.AnswerTooLargeError{What: "the answer has more than 64 MiB of keys and values"}
		}
		res.Entries[i] = wire.EncodeEntry(k, &versions[i])
	}
	return res, nil
}

// plainRead reads without locks. The handle notes it: from here on the read timestamp stays
// where it is (S5).
func plainRead(ctx context.Context, c *txn.Coordinator, hd *wire.Handle, keys []mvcc.Key) ([]mvcc.Version, error) {
	_, versions, err := c.Get(ctx, reader(hd), keys)
	if hd != nil && len(keys) > 0 {
		hd.Fixed = true
	}
	return versions, err
}

// claim locks the keys and reads their newest versions. The handle learns what the transaction
// holds, and to when its read timestamp has moved. Where the answer is lost, the next claim
// finds what stands: nothing of it hangs on a handle that the client never saw.
func claim(ctx context.Context, c *txn.Coordinator, hd *wire.Handle, keys []mvcc.Key) ([]mvcc.Version, error) {
	tx := transaction(hd)
	versions, err := c.Claim(ctx, &tx, keys)
	if err == nil {
		hd.ReadTS, hd.Primary, hd.Claims = tx.ReadTS, tx.Primary, tx.Claims
	}
	return versions, err
}

// reader says as of when and by whom is read; without a transaction the newest, by nobody.
func reader(hd *wire.Handle) txn.Read {
	switch {
	case hd == nil:
		return txn.Read{}
	case hd.ReadOnly: // it has no locks, and its id may be another's
		return txn.Read{TS: hd.ReadTS}
	}
	return txn.Read{TS: hd.ReadTS, Own: hd.ID, Primary: hd.Primary}
}

// Scan reads one page. Without a transaction it begins a read-only one, so that all pages
// are of one snapshot.
func (h transactions) Scan(ctx context.Context, req *shalev1.ScanRequest) (*shalev1.ScanResponse, error) {
	c, cluster, err := h.gateway()
	if err != nil {
		return nil, err
	}
	hd, err := handle(req.GetTxn(), cluster)
	if err != nil {
		return nil, err
	}
	span, err := wire.DecodeSpan(req.GetStart(), req.GetEnd())
	if err != nil {
		return nil, err
	}
	if hd == nil {
		now, err := c.Now(ctx)
		if err != nil {
			return nil, err
		}
		hd = &wire.Handle{ID: now, ReadTS: now, ClusterID: cluster, ReadOnly: true}
	}
	limit := rowsMax
	if n := req.GetLimit(); n != 0 && n < rowsMax {
		limit = int(n)
	}
	at := reader(hd)
	page, err := c.Scan(ctx, mvcc.ScanArgs{ReadTS: at.TS, Own: at.Own, Primary: at.Primary, Span: span, Limit: limit,
		MaxBytes: pageMax, Reverse: req.GetReverse(), KeysOnly: req.GetKeysOnly()})
	if err != nil {
		return nil, err
	}
	hd.Fixed = true
	res := &shalev1.ScanResponse{Txn: encode(c, hd), More: page.More, Entries: make([]*shalev1.Entry, len(page.Versions))}
	if page.More {
		res.ResumeKey = []byte(page.Resume)
	}
	for i := range page.Versions {
		res.Entries[i] = wire.EncodeEntry(page.Versions[i].Key, &page.Versions[i])
	}
	return res, nil
}
