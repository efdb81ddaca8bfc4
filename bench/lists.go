package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/shaledb/shale/mvcc"
)

// Lists are values of decimal numbers, each with a comma behind it: so an element can be
// appended without a look at the list.

func formatElement(v int64) []byte { return append(strconv.AppendInt(nil, v, 10), ',') }

func parseList(k mvcc.Key, value []byte) ([]int64, error) {
	var list []int64
	for len(value) > 0 {
		head, rest, ok := bytes.Cut(value, []byte{','})
		v, err := strconv.ParseInt(string(head), 10, 64)
		if !ok || err != nil {
			return nil, brokenf("the list at %s reads %s", mvcc.FormatKey(k), mvcc.FormatValue(value, 40))
		}
		list, value = append(list, v), rest
	}
	return list, nil
}

// numbered are the keys of one run: no other run's values are ever found there. Two hash
// digits in front spread them over the shards.
type numbered struct{ prefix, run string }

func newNumbered(prefix string) numbered {
	var id [4]byte
	rand.Read(id[:])
	return numbered{prefix, hex.EncodeToString(id[:])}
}

func (n numbered) key(i int) mvcc.Key {
	return mvcc.Key(fmt.Sprintf("%s%02x-%s-%d", n.prefix, byte(fnv(uint64(i))), n.run, i))
}

// SplitKeys cuts the hash digits evenly.
func (n numbered) SplitKeys(shards int) []mvcc.Key {
	out := make([]mvcc.Key, 0, shards)
	for i := 1; i < shards; i++ {
		out = append(out, mvcc.Key(fmt.Sprintf("%s%02x", n.prefix, 256*i/shards)))
	}
	return out
}
