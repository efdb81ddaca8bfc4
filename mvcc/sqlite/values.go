package sqlite

import (
	"database/sql/driver"
	"sync"

	"github.com/shaledb/shale/mvcc"
)

// Values keeps large values in memory that reads have met lately, or that flushes have just
// written: for all stores of a node together, within one bound. A value never changes under
// its id, and was checked when it came in. A scan then walks the versions alone; the seek
// for each value beside them was four fifths of its time (see DESIGN.md).
//
// What was not used for half a bound's worth of others is forgotten. Any goroutine may use it.
type Values struct {
	half int // bytes of one generation

	mu       sync.Mutex
	spaces   uint64
	now, old map[valueName][]byte
	bytes    int // of now
}

// valueName is a value's id within its store's space.
type valueName struct {
	space uint64
	id    mvcc.ValueID
}

// valueOverhead is about what an entry costs beside its bytes.
const valueOverhead = 96

// NewValues makes a cache of about so many bytes.
func NewValues(bytes int) *Values {
	return &Values{half: bytes / 2, now: map[valueName][]byte{}}
}

// space is a number for one store's values. Opened again, a store has another one: its file
// may be another by then.
func (c *Values) space() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spaces++
	return c.spaces
}

func (c *Values) get(n valueName) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.now[n]; ok {
		return v, true
	}
	v, ok := c.old[n]
	if ok {
		c.keep(n, v)
	}
	return v, ok
}

func (c *Values) put(n valueName, v []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.now[n]; !ok {
		c.keep(n, v)
	}
}

func (c *Values) keep(n valueName, v []byte) {
	size := len(v) + valueOverhead
	if size > c.half/8 {
		return // it would push out too many others
	}
	if c.bytes+size > c.half {
		c.old, c.now, c.bytes = c.now, make(map[valueName][]byte, len(c.now)), 0
	}
	c.now[n] = v
	c.bytes += size
}

// beside is the value that lies beside its row.
func (c *conn) beside(id mvcc.ValueID) (out []byte, err error) {
	name := valueName{c.space, id}
	if c.values != nil {
		if v, ok := c.values.get(name); ok {
			return v, nil
		}
	}
	found := false
	err = c.query(sqlValue, func(row []driver.Value) (bool, error) {
		out = blob(row[0])
		found = row[0] != nil && c.sums.value(id, out) == integer(row[1])
		return false, nil
	}, int64(id))
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, c.rotten("raw_values", int64(id))
	case c.values != nil:
		c.values.put(name, out)
	}
	return out, nil
}
