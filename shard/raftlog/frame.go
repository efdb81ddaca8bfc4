package raftlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unsafe"
)

// blockSize is the unit of all writes. A frame begins on a block of its own, so that no
// write ever touches a block that holds synced bytes, and O_DIRECT is content.
const blockSize = 4096

const (
	formatVersion    = 1
	segmentMagic     = "shaleLOG"
	frameMagic       = 0x6d617266 // "fram"
	frameHeaderSize  = 48
	segmentHeaderEnd = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// logID is drawn when a log is made and stands in every segment: a segment of another log
// is not mistaken for one of ours, and it seeds every checksum, so that bytes which merely
// look like a frame (inside a value, say) do not pass.
type logID [16]byte

func (id logID) sum(p []byte) uint32 {
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, p)
}

// segmentHeader fills a segment's first block. It is durable before the file gets its name.
type segmentHeader struct {
	ID       logID
	Segment  uint64
	Size     int64  // of the whole file
	FirstSeq uint64 // of its first frame
	First    uint64 // the oldest segment needed when it was made
}

func (h *segmentHeader) encode(b []byte) {
	clear(b[:blockSize])
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	copy(b[12:], h.ID[:])
	binary.LittleEndian.PutUint64(b[28:], h.Segment)
	binary.LittleEndian.PutUint64(b[36:], uint64(h.Size))
	binary.LittleEndian.PutUint64(b[44:], h.FirstSeq)
	binary.LittleEndian.PutUint64(b[52:], h.First)
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}

// decode says in words what is wrong; empty: nothing.
func (h *segmentHeader) decode(b []byte) (wrong string) {
	if len(b) < segmentHeaderEnd {
		return fmt.Sprintf("the file has %d bytes, less than a header", len(b))
	}
	if string(b[:8]) != segmentMagic {
		return "the file is not a log segment"
	}
	if binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return "the segment's header does not match its checksum"
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return fmt.Sprintf("the segment has format version %d, this program reads version %d", v, formatVersion)
	}
	copy(h.ID[:], b[12:])
	h.Segment = binary.LittleEndian.Uint64(b[28:])
	h.Size = int64(binary.LittleEndian.Uint64(b[36:]))
	h.FirstSeq = binary.LittleEndian.Uint64(b[44:])
	h.First = binary.LittleEndian.Uint64(b[52:])
	return ""
}

// frameHeader stands before the records of one write. Its checksum covers the header and,
// through Sum, the records; Segment and Seq in it bind the frame to its place, so that a
// recycled file's old frames are none.
type frameHeader struct {
	Length  uint32 // of the records
	Sum     uint32 // of the records
	Seq     uint64
	Segment uint64
	First   uint64 // the oldest segment needed once this frame is durable
}

func (h *frameHeader) encode(b []byte, id logID) {
	binary.LittleEndian.PutUint32(b[0:], frameMagic)
	binary.LittleEndian.PutUint32(b[4:], h.Length)
	binary.LittleEndian.PutUint64(b[8:], h.Seq)
	binary.LittleEndian.PutUint64(b[16:], h.Segment)
	binary.LittleEndian.PutUint64(b[24:], h.First)
	binary.LittleEndian.PutUint32(b[32:], h.Sum)
	clear(b[36:44])
	binary.LittleEndian.PutUint32(b[44:], id.sum(b[:44]))
}

// decode answers false where no frame header of this segment stands.
func (h *frameHeader) decode(b []byte, id logID, segment uint64) bool {
	if len(b) < frameHeaderSize || binary.LittleEndian.Uint32(b) != frameMagic ||
		binary.LittleEndian.Uint32(b[44:]) != id.sum(b[:44]) {
		return false
	}
	h.Length = binary.LittleEndian.Uint32(b[4:])
	h.Seq = binary.LittleEndian.Uint64(b[8:])
	h.Segment = binary.LittleEndian.Uint64(b[16:])
	h.First = binary.LittleEndian.Uint64(b[24:])
	h.Sum = binary.LittleEndian.Uint32(b[32:])
	return h.Segment == segment
}

// records are the frame's bytes behind its header, if they are whole.
func (h *frameHeader) records(b []byte, id logID) ([]byte, bool) {
	end := frameHeaderSize + int64(h.Length)
	if end > int64(len(b)) {
		return nil, false
	}
	body := b[frameHeaderSize:end]
	return body, id.sum(body) == h.Sum
}

// blocks rounds up to whole blocks.
func blocks(n int) int64 { return (int64(n) + blockSize - 1) / blockSize * blockSize }

// alignedBuffer is a slice whose first byte lies on a block boundary, as O_DIRECT wants.
func alignedBuffer(size int) []byte {
	b := make([]byte, size+blockSize)
	skip := 0
	if over := int(uintptr(unsafe.Pointer(&b[0])) % blockSize); over != 0 {
		skip = blockSize - over
	}
	return b[skip : skip+size : skip+size]
}
