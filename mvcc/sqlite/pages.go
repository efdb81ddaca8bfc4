package sqlite

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
)

// A page ends in four bytes that SQLite leaves alone (its header's "reserved bytes"): the
// CRC32C of the page's number and of all before. Rows have sums of their own, but those say
// nothing where the tree leads past a row: only the page can tell that it is not whole (P27).
const pageSumSize = 4

// The parts of a write-ahead log: a header, then frames of a header and a page each.
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	frameSumAt      = 16 // in a frame's header: the running checksum
	walSumAt        = 24 // in the log's header: where the running checksum begins
)

func pageSum(number uint32, page []byte) uint32 {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], number)
	t := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(n[:], t), t, page[:len(page)-pageSumSize])
}

func setPageSum(number uint32, page []byte) {
	binary.BigEndian.PutUint32(page[len(page)-pageSumSize:], pageSum(number, page))
}

func pageIsWhole(number uint32, page []byte) bool {
	return binary.BigEndian.Uint32(page[len(page)-pageSumSize:]) == pageSum(number, page)
}

// isPage says whether so many bytes can be a page. SQLite reads and writes other parts of its
// files in smaller or odd pieces.
func isPage(n int) bool { return n >= 512 && bits.OnesCount(uint(n)) == 1 }

// frameSum goes on with a write-ahead log's running checksum, as SQLite's file format has it:
// over 32-bit words, big-endian ones where the log's magic number says so.
func frameSum(big bool, s [2]uint32, data []byte) [2]uint32 {
	a, b := s[0], s[1]
	if big {
		for ; len(data) >= 8; data = data[8:] {
			a += binary.BigEndian.Uint32(data) + b
			b += binary.BigEndian.Uint32(data[4:]) + a
		}
		return [2]uint32{a, b}
	}
	for ; len(data) >= 8; data = data[8:] {
		a += binary.LittleEndian.Uint32(data) + b
		b += binary.LittleEndian.Uint32(data[4:]) + a
	}
	return [2]uint32{a, b}
}

// emptyFile is a database without tables: one page, written by hand because the driver has
// no door to SQLite's reserved bytes.
func emptyFile(pageSize int) []byte {
	p := make([]byte, pageSize)
	copy(p, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(p[16:], uint16(pageSize&0xffff|pageSize>>16)) // 65,536 is written 1
	p[18], p[19] = 1, 1                                                      // a rollback journal, until Open
	p[20] = pageSumSize
	p[21], p[22], p[23] = 64, 32, 32 // fixed by the format
	for at, n := range map[int]uint32{24: 1, 28: 1, 44: 4, 56: 1, 60: userVersion, 68: applicationID, 92: 1, 96: 3_045_000} {
		binary.BigEndian.PutUint32(p[at:], n)
	}
	p[100] = 0x0d // an empty leaf
	binary.BigEndian.PutUint16(p[105:], uint16(pageSize-pageSumSize))
	setPageSum(1, p)
	return p
}

// firstBadPage looks for the place of the damage that SQLite met; -1 where the main file's
// pages are whole (it was in the write-ahead log, or in what a page says).
func firstBadPage(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	page := make([]byte, pageSize)
	for number := uint32(1); ; number++ {
		n, err := io.ReadFull(f, page)
		switch at := int64(number-1) * pageSize; {
		case errors.Is(err, io.EOF):
			return -1
		case errors.Is(err, io.ErrUnexpectedEOF):
			return at + int64(n)
		case err != nil:
			return at
		case !pageIsWhole(number, page) && !empty(page):
			return at
		}
	}
}

// empty: a page that was set free before it was ever written.
func empty(page []byte) bool {
	for _, b := range page {
		if b != 0 {
			return false
		}
	}
	return true
}
