package shard

import "github.com/shaledb/shale/mvcc"

// cache is the newest versions of keys lately written or read, bounded in bytes: two halves,
// of which the older one is forgotten when the younger one is full. It is changed in steps
// alone, where nothing can be applied meanwhile.
type cache struct {
	young, old map[mvcc.Key]mvcc.Version
	bytes, max int
}

func newCache(bytes int) *cache {
	return &cache{young: map[mvcc.Key]mvcc.Version{}, max: bytes / 2}
}

func (c *cache) put(v mvcc.Version) {
	if v.ValueID != 0 && v.Value == nil && v.Op == mvcc.OpPut {
		delete(c.young, v.Key)
		delete(c.old, v.Key)
		return
	}
	c.young[v.Key] = v
	c.bytes += len(v.Key) + len(v.Value) + 160
	if c.bytes > c.max {
		c.old, c.young, c.bytes = c.young, map[mvcc.Key]mvcc.Version{}, 0
	}
}

func (c *cache) get(k mvcc.Key) (mvcc.Version, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		delete(c.old, k)
		c.put(v)
	}
	return v, ok
}
