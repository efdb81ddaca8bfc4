package sqlite

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// Frames that could not be written are never passed over: whatever is done with the log
// afterwards says so too, although the disk would take it again.
func TestAFailedWriteOfFramesIsRemembered(t *testing.T) {
	results := []int32{lib.SQLITE_FULL, lib.SQLITE_OK}
	writes := 0
	m := &lib.Tsqlite3_io_methods{}
	*(*ioFunc)(unsafe.Pointer(&m.FxWrite)) = func(*libc.TLS, uintptr, uintptr, int32, int64) int32 {
		writes++
		return results[min(writes, len(results))-1]
	}
	f := &file{wal: true, under: uintptr(unsafe.Pointer(m)), run: run{n: frameHeaderSize, at: walHeaderSize, head: true}}
	require.Equal(t, int32(lib.SQLITE_FULL), f.flush(nil, 0))
	require.Equal(t, int32(lib.SQLITE_FULL), f.flush(nil, 0), "a read, a sync, a size")
	rc, _ := f.gather(nil, 0, 0, 100, 5000)
	require.Equal(t, int32(lib.SQLITE_FULL), rc, "another write")
	require.Equal(t, 1, writes)
	runtime.KeepAlive(m)
}
