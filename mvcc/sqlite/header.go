package sqlite

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/shaledb/shale/mvcc"
)

// headerSize is the part of a SQLite file's header that is looked at here.
const headerSize = 100

// checkHeader refuses what is not a store of this version before SQLite touches it: opened
// for writing, a foreign file might be changed. It is called only while this process has
// no connection to the file (P29).
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return &mvcc.CorruptError{File: path, Offset: -1, What: err.Error(), Remedy: remedy}
	}
	defer f.Close()
	bad := func(offset int64, format string, args ...any) error {
		return &mvcc.CorruptError{File: path, Offset: offset, What: fmt.Sprintf(format, args...), Remedy: remedy}
	}
	head := make([]byte, headerSize)
	if n, err := io.ReadFull(f, head); err != nil {
		return bad(int64(n), "the file ends in its header")
	}
	if string(head[:16]) != "SQLite format 3\x00" {
		return bad(0, "this is not a SQLite file")
	}
	if id := binary.BigEndian.Uint32(head[68:]); id != applicationID {
		return bad(68, "this SQLite file was not made by shale (application id %#x)", id)
	}
	if v := binary.BigEndian.Uint32(head[60:]); v != userVersion {
		return bad(60, "the file has schema version %d, this program knows %d", v, userVersion)
	}
	if size := binary.BigEndian.Uint16(head[16:]); size != pageSize {
		return bad(16, "the file has pages of %d bytes, not %d", size, pageSize)
	}
	if head[20] != pageSumSize {
		return bad(20, "the file's pages reserve %d bytes for a checksum, not %d", head[20], pageSumSize)
	}
	return nil
}
