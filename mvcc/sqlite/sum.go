package sqlite

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/shaledb/shale/mvcc"
)

// summer computes rows' checksums: CRC32C over a letter for the table and the fields, each
// with its length. It keeps its buffer; it belongs to one goroutine.
type summer struct{ buf []byte }

func (s *summer) begin(table byte) { s.buf = append(s.buf[:0], table) }

func (s *summer) number(n uint64) { s.buf = binary.LittleEndian.AppendUint64(s.buf, n) }

func (s *summer) bytes(b []byte) {
	s.number(uint64(len(b)))
	s.buf = append(s.buf, b...)
}

func (s *summer) text(t string) {
	s.number(uint64(len(t)))
	s.buf = append(s.buf, t...)
}

func (s *summer) sum() int64 {
	return int64(crc32.Checksum(s.buf, crc32.MakeTable(crc32.Castagnoli)))
}

func (s *summer) version(v *mvcc.Version, inline []byte) int64 {
	s.begin('v')
	s.text(string(v.Key))
	s.number(uint64(v.CommitTS))
	s.number(uint64(v.StartTS))
	s.number(uint64(v.Op))
	s.bytes(inline)
	s.number(uint64(v.ValueID))
	s.bytes(v.Digest[:])
	return s.sum()
}

func (s *summer) value(id mvcc.ValueID, data []byte) int64 {
	s.begin('d')
	s.number(uint64(id))
	s.bytes(data)
	return s.sum()
}

func (s *summer) lock(l *mvcc.Lock, inline, secondaries []byte) int64 {
	s.begin('l')
	s.text(string(l.Key))
	s.number(uint64(l.StartTS))
	s.text(string(l.Primary))
	s.number(uint64(l.Kind))
	s.number(uint64(l.MinCommitTS))
	s.number(uint64(l.Expires))
	s.bytes(l.Digest[:])
	s.bytes(inline)
	s.number(uint64(l.ValueID))
	s.number(uint64(flag(l.Async)))
	s.bytes(secondaries)
	return s.sum()
}

func (s *summer) mark(m *mvcc.Mark) int64 {
	s.begin('m')
	s.text(string(m.Key))
	s.number(uint64(m.CommitTS))
	s.number(uint64(m.StartTS))
	s.bytes(m.Digest[:])
	return s.sum()
}

func (s *summer) record(r *mvcc.Record) int64 {
	s.begin('t')
	s.number(uint64(r.StartTS))
	s.text(string(r.Key))
	s.number(uint64(r.Decision))
	s.number(uint64(r.CommitTS))
	s.bytes(r.Digest[:])
	return s.sum()
}

func (s *summer) named(table byte, name string, value []byte) int64 {
	s.begin(table)
	s.text(name)
	s.bytes(value)
	return s.sum()
}
