package sqlite

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A VFS is what SQLite calls instead of the operating system. This one is the system's own
// with read and write replaced, of database files and their write-ahead logs (see gather.go):
// a page gets its sum when it is written, and is refused when it is read without the right
// one. What a page holds in the write-ahead log is what a checkpoint puts into the file,
// whoever makes the checkpoint: so the sqlite3 program may fold the log of a dead node's file,
// and pages keep their sums.
//
// SQLite computes a frame's running checksum before it hands the page over. Where the page's
// sum changes the page, the frame's is computed again here, from the frame before it: as it is
// on disk, or as it was gathered. SQLite goes on from its own, which nothing ever compares with the disk's but
// recovery, and that reads the disk's alone.

// vfsName is how a connection asks for it.
const vfsName = "shale"

// useVFS is constant: the VFS is registered once for the process, as SQLite has it.
var useVFS = sync.OnceValue(registerVFS)

// shim is a VFS in C's memory, which SQLite keeps for ever: a copy of the system's, and
// where that is.
type shim struct {
	lib.Tsqlite3_vfs
	under uintptr
}

// file follows the system's own file in C's memory. Its methods come first: a file points
// to them, and so to it.
type file struct {
	methods lib.Tsqlite3_io_methods
	under   uintptr // the system's methods
	wal     bool

	// Of a write-ahead log; 0: unknown, to be read from it.
	magic    uint32 // its lowest bit is the byte order of the running checksum
	headerAt int64  // place of header
	header   [8]byte
	run      run
}

// registerVFS returns the connection's parameter for it; none where it cannot be had.
func registerVFS() string {
	tls := libc.NewTLS()
	under := lib.Xsqlite3_vfs_find(tls, 0)
	name, err := libc.CString(vfsName)
	at := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(shim{})))
	if err != nil || under == 0 || at == 0 {
		return ""
	}
	s := (*shim)(pointer(at))
	s.Tsqlite3_vfs = *(*lib.Tsqlite3_vfs)(pointer(under))
	s.under = under
	s.FpNext = 0
	s.FzName = name
	s.FszOsFile = (s.FszOsFile+7)&^7 + int32(unsafe.Sizeof(file{}))
	*(*func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32)(unsafe.Pointer(&s.FxOpen)) = openFile
	if lib.Xsqlite3_vfs_register(tls, at, 0) != lib.SQLITE_OK {
		return ""
	}
	return vfsName
}

// pointer is the address in C's memory; it never lies in Go's.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

func bytesAt(p uintptr, n int32) []byte { return unsafe.Slice((*byte)(pointer(p)), n) }

func openFile(tls *libc.TLS, vfs, name, at uintptr, flags int32, outFlags uintptr) int32 {
	under := (*shim)(pointer(vfs)).under
	v := (*lib.Tsqlite3_vfs)(pointer(under))
	open := *(*func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32)(unsafe.Pointer(&v.FxOpen))
	rc := open(tls, under, name, at, flags, outFlags)
	base := (*lib.Tsqlite3_file)(pointer(at))
	if rc != lib.SQLITE_OK || base.FpMethods == 0 || flags&(lib.SQLITE_OPEN_MAIN_DB|lib.SQLITE_OPEN_WAL) == 0 {
		return rc
	}
	tail := at + uintptr((v.FszOsFile+7)&^7)
	f := (*file)(pointer(tail))
	*f = file{methods: *(*lib.Tsqlite3_io_methods)(pointer(base.FpMethods)), under: base.FpMethods,
		wal: flags&lib.SQLITE_OPEN_WAL != 0}
	f.methods.FiVersion = min(f.methods.FiVersion, 2) // without memory maps: they read past us
	*(*ioFunc)(unsafe.Pointer(&f.methods.FxRead)) = readFile
	*(*ioFunc)(unsafe.Pointer(&f.methods.FxWrite)) = writeFile
	if f.wal {
		f.flushFirst()
	}
	base.FpMethods = tail
	return rc
}

// ioFunc is the form of xRead and xWrite.
type ioFunc func(tls *libc.TLS, file, buf uintptr, n int32, at int64) int32

func fileOf(at uintptr) *file { return (*file)(pointer((*lib.Tsqlite3_file)(pointer(at)).FpMethods)) }

func (f *file) read(tls *libc.TLS, self, buf uintptr, n int32, at int64) int32 {
	m := (*lib.Tsqlite3_io_methods)(pointer(f.under))
	return (*(*ioFunc)(unsafe.Pointer(&m.FxRead)))(tls, self, buf, n, at)
}

func (f *file) write(tls *libc.TLS, self, buf uintptr, n int32, at int64) int32 {
	m := (*lib.Tsqlite3_io_methods)(pointer(f.under))
	return (*(*ioFunc)(unsafe.Pointer(&m.FxWrite)))(tls, self, buf, n, at)
}

// readFile is xRead.
func readFile(tls *libc.TLS, self, buf uintptr, n int32, at int64) int32 {
	f := fileOf(self)
	rc := f.flush(tls, self)
	f.run.read = at
	if rc == lib.SQLITE_OK {
		rc = f.read(tls, self, buf, n, at)
	}
	if rc != lib.SQLITE_OK || !isPage(int(n)) {
		return rc
	}
	number, rc := f.number(tls, self, n, at)
	if rc == lib.SQLITE_OK && number != 0 && !pageIsWhole(number, bytesAt(buf, n)) {
		return lib.SQLITE_IOERR_DATA
	}
	return rc
}

// number is the number of the page at a place, 0 where no page begins.
func (f *file) number(tls *libc.TLS, self uintptr, n int32, at int64) (uint32, int32) {
	if !f.wal {
		if at%int64(n) != 0 {
			return 0, lib.SQLITE_OK
		}
		return uint32(at/int64(n)) + 1, lib.SQLITE_OK
	}
	if !framed(n, at) {
		return 0, lib.SQLITE_OK
	}
	if f.headerAt == at-frameHeaderSize {
		return binary.BigEndian.Uint32(f.header[:]), lib.SQLITE_OK
	}
	head, rc := f.peek(tls, self, at-frameHeaderSize)
	return binary.BigEndian.Uint32(head[:]), rc
}

// framed says whether a page of a write-ahead log begins at a place.
func framed(n int32, at int64) bool {
	return (at-walHeaderSize)%(int64(n)+frameHeaderSize) == frameHeaderSize
}

// peek reads 8 bytes.
func (f *file) peek(tls *libc.TLS, self uintptr, at int64) (b [8]byte, rc int32) {
	buf := tls.Alloc(8)
	defer tls.Free(8)
	if rc = f.read(tls, self, buf, 8, at); rc == lib.SQLITE_OK {
		copy(b[:], bytesAt(buf, 8))
	}
	return b, rc
}

// writeFile is xWrite.
func writeFile(tls *libc.TLS, self, buf uintptr, n int32, at int64) int32 {
	f := fileOf(self)
	if f.wal {
		if rc, done := f.gather(tls, self, buf, n, at); done || rc != lib.SQLITE_OK {
			return rc
		}
		f.note(buf, n, at)
	}
	if isPage(int(n)) {
		number, rc := f.number(tls, self, n, at)
		if rc != lib.SQLITE_OK {
			return rc
		}
		if number != 0 {
			setPageSum(number, bytesAt(buf, n)) // in the reserved bytes of SQLite's own page
		}
		if f.wal && number != 0 {
			if rc := f.amend(tls, self, buf, n, at-frameHeaderSize); rc != lib.SQLITE_OK {
				return rc
			}
		}
	}
	return f.write(tls, self, buf, n, at)
}

// note keeps what matters of the log's header and of the frame's that is being written.
func (f *file) note(buf uintptr, n int32, at int64) {
	switch {
	case at == 0:
		f.magic, f.headerAt = 0, 0
	case n == frameHeaderSize:
		copy(f.header[:], bytesAt(buf, n))
		f.headerAt = at
	}
}

// amend computes a frame's running checksum again and puts it into the frame's header.
func (f *file) amend(tls *libc.TLS, self, buf uintptr, n int32, at int64) int32 {
	sum, rc := f.sumBefore(tls, self, n, at)
	if rc != lib.SQLITE_OK {
		return rc
	}
	if f.headerAt != at { // the page alone is written anew
		if f.header, rc = f.peek(tls, self, at); rc != lib.SQLITE_OK {
			return rc
		}
	}
	big := f.magic&1 != 0
	sum = frameSum(big, sum, f.header[:])
	sum = frameSum(big, sum, bytesAt(buf, n))
	f.headerAt = 0 // used up
	out := tls.Alloc(8)
	defer tls.Free(8)
	b := bytesAt(out, 8)
	binary.BigEndian.PutUint32(b, sum[0])
	binary.BigEndian.PutUint32(b[4:], sum[1])
	return f.write(tls, self, out, 8, at+frameSumAt)
}

// sumBefore is the running checksum that the frame at a place goes on from.
func (f *file) sumBefore(tls *libc.TLS, self uintptr, n int32, at int64) (sum [2]uint32, rc int32) {
	if f.magic == 0 {
		b, rc := f.peek(tls, self, 0)
		if rc != lib.SQLITE_OK {
			return sum, rc
		}
		f.magic = binary.BigEndian.Uint32(b[:])
	}
	place := at - int64(n) - frameHeaderSize + frameSumAt
	if at == walHeaderSize { // the first
		place = walSumAt
	}
	b, rc := f.peek(tls, self, place)
	return [2]uint32{binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint32(b[4:])}, rc
}
