package sqlite

import (
	"encoding/binary"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// SQLite writes a frame of its write-ahead log in two calls, and its running checksum wants
// the frame before. Done one by one, with the checksum mended, that is four system calls a
// frame, which were half of a flush. So the frames of one transaction are gathered and
// written in one call: when the frame comes that ends the transaction (its header says so),
// when the room is full, and before anything else is done with the file. A reader never
// looks for a frame before its transaction has ended, and where writing fails the call that
// ends the transaction does, and everything after it: what was gathered is not in the file.

// runSize is the room for gathered frames: in C's memory, for a log that is written to, so
// one a replica.
const runSize = 512 << 10

// run is what is gathered: whole frames, and perhaps the header of one whose page is next.
type run struct {
	room uintptr // 0: not there yet
	at   int64   // its place in the file
	n    int32
	head bool      // it ends in a header that waits for its page
	sum  [2]uint32 // the running checksum behind its last whole frame
	read int64     // place of the last read

	failed int32 // what the first write that failed said: nothing goes on from there
}

// gather takes a frame's header or page in. False: it is neither, and nothing is gathered now.
func (f *file) gather(tls *libc.TLS, self, buf uintptr, n int32, at int64) (rc int32, done bool) {
	r := &f.run
	next := r.n > 0 && at == r.at+int64(r.n)
	switch {
	case n == frameHeaderSize && at != 0 && at != r.read: // one that was read is written anew, alone
		if r.n > 0 && (!next || r.head || r.n+n+maxPageSize > runSize) {
			if rc = f.flush(tls, self); rc != lib.SQLITE_OK {
				return rc, true
			}
		}
		if r.room == 0 {
			if r.room = libc.Xmalloc(tls, runSize); r.room == 0 {
				return lib.SQLITE_OK, false
			}
		}
		if r.n == 0 {
			r.at = at
		}
		r.add(tls, buf, n)
		r.head = true
		return lib.SQLITE_OK, true
	case isPage(int(n)) && next && r.head:
		return f.gatherPage(tls, self, buf, n), true
	}
	return f.flush(tls, self), false
}

// maxPageSize is SQLite's.
const maxPageSize = 64 << 10

// gatherPage ends a frame: its page gets its sum, its header the running checksum.
func (f *file) gatherPage(tls *libc.TLS, self, buf uintptr, n int32) int32 {
	r := &f.run
	header := bytesAt(r.room+uintptr(r.n-frameHeaderSize), frameHeaderSize)
	if r.n == frameHeaderSize { // the run's first: what lies before it is in the file
		sum, rc := f.sumBefore(tls, self, n, r.at)
		if rc != lib.SQLITE_OK {
			r.n, r.head = 0, false
			return rc
		}
		r.sum = sum
	}
	page := bytesAt(buf, n)
	setPageSum(binary.BigEndian.Uint32(header), page)
	big := f.magic&1 != 0
	r.sum = frameSum(big, frameSum(big, r.sum, header[:8]), page)
	binary.BigEndian.PutUint32(header[frameSumAt:], r.sum[0])
	binary.BigEndian.PutUint32(header[frameSumAt+4:], r.sum[1])
	ends := binary.BigEndian.Uint32(header[4:]) != 0
	r.add(tls, buf, n)
	r.head = false
	if ends {
		return f.flush(tls, self)
	}
	return lib.SQLITE_OK
}

func (r *run) add(tls *libc.TLS, buf uintptr, n int32) {
	libc.Xmemcpy(tls, r.room+uintptr(r.n), buf, libc.Tsize_t(n))
	r.n += n
}

// flush writes what is gathered.
func (f *file) flush(tls *libc.TLS, self uintptr) int32 {
	r := &f.run
	if r.failed != lib.SQLITE_OK || r.n == 0 {
		return r.failed
	}
	n := r.n
	r.n, r.head, f.headerAt = 0, false, 0
	for at := int32(0); at < n; at += writeMax {
		rc := f.write(tls, self, r.room+uintptr(at), min(writeMax, n-at), r.at+int64(at))
		if rc != lib.SQLITE_OK {
			r.failed = rc
			return rc
		}
	}
	return lib.SQLITE_OK
}

// writeMax is the most that one call writes: SQLite's own takes 17 bits of a length.
const writeMax = 120 << 10

// The forms of the other calls before which gathered frames are written.
type (
	syncFunc     func(tls *libc.TLS, file uintptr, flags int32) int32
	truncateFunc func(tls *libc.TLS, file uintptr, size int64) int32
	sizeFunc     func(tls *libc.TLS, file, size uintptr) int32
	closeFunc    func(tls *libc.TLS, file uintptr) int32
)

// flushFirst replaces those calls.
func (f *file) flushFirst() {
	*(*syncFunc)(unsafe.Pointer(&f.methods.FxSync)) = func(tls *libc.TLS, self uintptr, flags int32) int32 {
		f := fileOf(self)
		if rc := f.flush(tls, self); rc != lib.SQLITE_OK {
			return rc
		}
		m := (*lib.Tsqlite3_io_methods)(pointer(f.under))
		return (*(*syncFunc)(unsafe.Pointer(&m.FxSync)))(tls, self, flags)
	}
	*(*truncateFunc)(unsafe.Pointer(&f.methods.FxTruncate)) = func(tls *libc.TLS, self uintptr, size int64) int32 {
		f := fileOf(self)
		if rc := f.flush(tls, self); rc != lib.SQLITE_OK {
			return rc
		}
		m := (*lib.Tsqlite3_io_methods)(pointer(f.under))
		return (*(*truncateFunc)(unsafe.Pointer(&m.FxTruncate)))(tls, self, size)
	}
	*(*sizeFunc)(unsafe.Pointer(&f.methods.FxFileSize)) = func(tls *libc.TLS, self, size uintptr) int32 {
		f := fileOf(self)
		if rc := f.flush(tls, self); rc != lib.SQLITE_OK {
			return rc
		}
		m := (*lib.Tsqlite3_io_methods)(pointer(f.under))
		return (*(*sizeFunc)(unsafe.Pointer(&m.FxFileSize)))(tls, self, size)
	}
	*(*closeFunc)(unsafe.Pointer(&f.methods.FxClose)) = func(tls *libc.TLS, self uintptr) int32 {
		f := fileOf(self)
		if f.run.room != 0 { // what is still in it belongs to no transaction that ended
			libc.Xfree(tls, f.run.room)
			f.run = run{}
		}
		m := (*lib.Tsqlite3_io_methods)(pointer(f.under))
		return (*(*closeFunc)(unsafe.Pointer(&m.FxClose)))(tls, self)
	}
}
