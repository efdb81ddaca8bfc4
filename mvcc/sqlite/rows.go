package sqlite

import (
	"database/sql/driver"
	"encoding/binary"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Columns as the driver delivers them. What has another type than the schema says is damage:
// it reads as a value that no checksum matches.

func integer(v driver.Value) int64 {
	n, ok := v.(int64)
	if !ok {
		return -1
	}
	return n
}

func blob(v driver.Value) []byte {
	switch b := v.(type) {
	case []byte:
		return b
	case string:
		return []byte(b)
	}
	return nil
}

func ts(v driver.Value) timestamp.Timestamp { return timestamp.Timestamp(integer(v)) }

func digest(v driver.Value) (d mvcc.Digest) {
	copy(d[:], blob(v))
	return d
}

// digestColumn stores the zero digest as NULL.
func digestColumn(d mvcc.Digest) driver.Value {
	if d == (mvcc.Digest{}) {
		return nil
	}
	return d[:]
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// packKeys writes keys one after the other, each with its length; none is nil, a NULL.
func packKeys(keys []mvcc.Key) []byte {
	var out []byte
	for _, k := range keys {
		out = binary.AppendUvarint(out, uint64(len(k)))
		out = append(out, k...)
	}
	return out
}

// unpackKeys reads what packKeys wrote.
func unpackKeys(b []byte) (keys []mvcc.Key, ok bool) {
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, false
		}
		b = b[n:]
		keys, b = append(keys, mvcc.Key(b[:size])), b[size:]
	}
	return keys, true
}

// version reads and checks a row of bareColumns. Filled asks for the value too where it lies
// beside the row.
func (c *conn) version(row []driver.Value, filled bool) (mvcc.Version, error) {
	v := mvcc.Version{Key: mvcc.Key(blob(row[0])), CommitTS: ts(row[1]), StartTS: ts(row[2]),
		Op: mvcc.Op(integer(row[3])), ValueID: mvcc.ValueID(integer(row[5])), Digest: digest(row[6])}
	inline := blob(row[4])
	if c.sums.version(&v, inline) != integer(row[7]) {
		return v, c.rotten("raw_versions", row[0])
	}
	if v.ValueID == 0 {
		v.Value = inline
		if v.Op == mvcc.OpPut && v.Value == nil {
			v.Value = []byte{}
		}
		return v, nil
	}
	if !filled {
		return v, nil
	}
	var err error
	v.Value, err = c.beside(v.ValueID)
	return v, err
}

// joined reads and checks a row of versionColumns: with the value as it lies in the file,
// whatever is in memory.
func (c *conn) joined(row []driver.Value) (mvcc.Version, error) {
	v, err := c.version(row, false)
	if err != nil || v.ValueID == 0 {
		return v, err
	}
	v.Value = blob(row[8])
	if row[8] == nil || c.sums.value(v.ValueID, v.Value) != integer(row[9]) {
		return v, c.rotten("raw_values", int64(v.ValueID))
	}
	return v, nil
}

func (c *conn) mark(row []driver.Value) (mvcc.Mark, error) {
	m := mvcc.Mark{Key: mvcc.Key(blob(row[0])), CommitTS: ts(row[1]), StartTS: ts(row[2]), Digest: digest(row[3])}
	if c.sums.mark(&m) != integer(row[4]) {
		return m, c.rotten("raw_marks", row[0])
	}
	return m, nil
}

func (c *conn) record(row []driver.Value) (mvcc.Record, error) {
	r := mvcc.Record{StartTS: ts(row[0]), Key: mvcc.Key(blob(row[1])), Decision: mvcc.Decision(integer(row[2])),
		CommitTS: ts(row[3]), Digest: digest(row[4])}
	if c.sums.record(&r) != integer(row[5]) {
		return r, c.rotten("raw_txns", row[1])
	}
	return r, nil
}

func (c *conn) lock(row []driver.Value) (mvcc.Lock, error) {
	l := mvcc.Lock{Key: mvcc.Key(blob(row[0])), StartTS: ts(row[1]), Primary: mvcc.Key(blob(row[2])),
		Kind: mvcc.LockKind(integer(row[3])), MinCommitTS: ts(row[4]), Expires: ts(row[5]),
		Digest: digest(row[6]), ValueID: mvcc.ValueID(integer(row[8])), Async: integer(row[9]) == 1}
	inline, secondaries := blob(row[7]), blob(row[10])
	others, ok := unpackKeys(secondaries)
	if !ok || flag(l.Async) != integer(row[9]) || c.sums.lock(&l, inline, secondaries) != integer(row[11]) {
		return l, c.rotten("raw_locks", row[0])
	}
	l.Secondaries = others
	if l.ValueID == 0 {
		l.Value = inline
		if l.Kind == mvcc.LockPut && l.Value == nil {
			l.Value = []byte{}
		}
	}
	return l, nil
}

// named reads a row of meta or system.
func (c *conn) named(table string, row []driver.Value) (name string, value []byte, err error) {
	name, value = string(blob(row[0])), blob(row[1])
	if c.sums.named(table[0], name, value) != integer(row[2]) {
		return name, value, c.rotten(table, name)
	}
	return name, value, nil
}
