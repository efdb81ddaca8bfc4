package sim

import (
	"bytes"
	"context"
	"fmt"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/txn"
)

// large writes more keys, over several shards, than are committed asynchronously, and now and
// then more bytes than one request takes.
func (w *world) large(ctx context.Context, p *process) {
	start, err := p.coordinator.Now(ctx)
	if err != nil {
		return
	}
	n, size := 257+w.rng.IntN(100), 8
	if w.set.segment > 1<<20 && w.chance(0.5) {
		n, size = 60+w.rng.IntN(40), 24<<10
	}
	w.counts.Large++
	content := mvcc.Content{}
	for i := range n {
		k := mvcc.Key(fmt.Sprintf("%c/%d/%d", "bm"[w.rng.IntN(2)], start, i))
		content.Mutations = append(content.Mutations, mvcc.Mutation{Op: mvcc.MutationPut, Key: k, Value: bytes.Repeat([]byte("x"), size)})
	}
	_ = w.commit(ctx, p, w.begin(txn.Transaction{Start: start}, content))
}
