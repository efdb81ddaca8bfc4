package mvcc

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Content is everything in a Commit that must be the same when it is sent again.
type Content struct {
	Mutations []Mutation
	// Serializable, ReadKeys and ReadSpans: the isolation, and what was read under it.
	Serializable bool
	ReadKeys     []Key
	ReadSpans    []Span
}

// digestVersion is the first byte hashed. Locks outlive a change of the form below, so a
// change of form is a change of this.
const digestVersion = 1

// Digest names the content. Each part is preceded by its length, so that no two contents
// hash the same bytes. It is never the zero digest, which means "not recorded".
func (c Content) Digest() Digest {
	w := digester{h: sha256.New()}
	w.number(digestVersion)
	isolation := uint64(0)
	if c.Serializable {
		isolation = 1
	}
	w.number(isolation)
	w.number(uint64(len(c.Mutations)))
	for _, m := range c.Mutations {
		w.number(uint64(m.Op))
		w.text([]byte(m.Key))
		w.text(m.Value)
	}
	w.number(uint64(len(c.ReadKeys)))
	for _, k := range c.ReadKeys {
		w.text([]byte(k))
	}
	w.number(uint64(len(c.ReadSpans)))
	for _, s := range c.ReadSpans {
		w.text([]byte(s.Start))
		w.text([]byte(s.End))
	}
	var d Digest
	copy(d[:], w.h.Sum(nil))
	if d == (Digest{}) {
		d[0] = 1
	}
	return d
}

type digester struct {
	h   hash.Hash
	buf [binary.MaxVarintLen64]byte
}

func (w *digester) number(n uint64) {
	w.h.Write(w.buf[:binary.PutUvarint(w.buf[:], n)])
}

func (w *digester) text(b []byte) {
	w.number(uint64(len(b)))
	w.h.Write(b)
}
