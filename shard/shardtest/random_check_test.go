package shardtest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// operation is a put or a get as its client saw it. Open: it may have been done at any time
// since, or not at all.
type operation struct {
	client    int
	key       string
	get       bool
	append    bool // a put of what was there and more
	value     string
	call, ret int64
	open      bool
}

func (o operation) String() string {
	what := "put"
	if o.get {
		what = "get"
	} else if o.append {
		what = "append"
	}
	return fmt.Sprintf("[%d, %d] client %d %s %s %q open %v", o.call, o.ret, o.client, what, o.key, o.value, o.open)
}

type history []operation

// check wants every key to be a register.
func (h history) check(t *testing.T) {
	var ops []porcupine.Operation
	for _, o := range h {
		ret := o.ret
		if o.open {
			ret = math.MaxInt64
		}
		ops = append(ops, porcupine.Operation{ClientId: o.client, Input: o, Output: o, Call: o.call, Return: ret})
	}
	if porcupine.CheckOperationsTimeout(register(), ops, 10*time.Second) == porcupine.Ok {
		return
	}
	for _, part := range register().Partition(ops) {
		if porcupine.CheckOperations(register(), part) {
			continue
		}
		for _, o := range part {
			t.Log(o.Input)
		}
	}
	t.Fatal("what the clients saw is not linearizable")
}

func register() porcupine.Model {
	return porcupine.Model{
		Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
			by := map[string][]porcupine.Operation{}
			for _, o := range ops {
				k := o.Input.(operation).key
				by[k] = append(by[k], o)
			}
			var out [][]porcupine.Operation
			for k := 'a'; k <= 'z'; k++ {
				if part := by[string(k)]; part != nil {
					out = append(out, part)
				}
			}
			return out
		},
		Init: func() any { return "" },
		Step: func(state, input, _ any) (bool, any) {
			o := input.(operation)
			switch {
			case o.get:
				return o.value == state.(string), state
			case o.append:
				return true, state.(string) + "," + o.value
			}
			return true, o.value
		},
	}
}

// storeBook remembers what every store held at every index it stood at: all replicas of a
// shard must have held the same there, and the same replica again after a replay.
type storeBook struct {
	t    *testing.T
	seen map[storeAt]string
	last map[*Member]*memory.Store // and where it stood
	at   map[*Member]mvcc.Index
}

func newStoreBook(t *testing.T) storeBook {
	return storeBook{t: t, seen: map[storeAt]string{}, last: map[*Member]*memory.Store{}, at: map[*Member]mvcc.Index{}}
}

type storeAt struct {
	shard routing.ShardID
	index mvcc.Index
}

func (b *storeBook) note(m *Member) {
	if m.R == nil || m.store == nil {
		return
	}
	v := m.view()
	defer v.Close()
	if b.last[m] == m.store && b.at[m] == v.Index() {
		return
	}
	b.last[m], b.at[m] = m.store, v.Index()
	at := storeAt{m.Shard, v.Index()}
	text := dump(m, v)
	before, known := b.seen[at]
	if !known {
		b.seen[at] = text
		return
	}
	require.Equal(b.t, before, text, "shard %d at index %d, node %d", at.shard, at.index, m.Node)
}

// dumpedVersions is how many versions of a key are compared, the newest ones.
const dumpedVersions = 5

// dump is what a store holds within its bounds.
func dump(m *Member, v mvcc.View) string {
	image, err := m.store.Load()
	if err != nil {
		m.c.fail(err)
	}
	var d routing.Descriptor
	var out strings.Builder
	for _, row := range image.Meta {
		switch row.Name {
		case "start_key":
			d.Span.Start = mvcc.Key(row.Value)
		case "end_key":
			d.Span.End = mvcc.Key(row.Value)
		}
		fmt.Fprintf(&out, "%s %q\n", row.Name, row.Value)
	}
	for _, l := range image.Locks {
		if d.Span.Contains(l.Key) {
			fmt.Fprintf(&out, "%+v\n", l)
		}
	}
	for newest, err := range v.Scan(d.Span, timestamp.Max, false, false) {
		if err != nil {
			m.c.fail(err)
		}
		version := newest
		for n, ok := 0, true; ok && n < dumpedVersions; n++ {
			fmt.Fprintf(&out, "%s %d %d %d %d %q\n", version.Key, version.CommitTS, version.StartTS, version.Op,
				version.ValueID, version.Value)
			if version, ok, err = v.Get(newest.Key, version.CommitTS.Prev()); err != nil {
				m.c.fail(err)
			}
		}
	}
	return out.String()
}

// equal wants all replicas of a shard at one index at the end.
func (b *storeBook) equal(c *Cluster) {
	last := map[routing.ShardID]mvcc.Index{}
	for _, m := range c.members {
		require.NotNil(b.t, m.store, "node %d has no store of shard %d", m.Node, m.Shard)
		b.note(m)
		applied := m.R.Status(c.instant()).Applied
		if at, ok := last[m.Shard]; ok {
			require.Equal(b.t, at, applied, "shard %d on node %d", m.Shard, m.Node)
		}
		last[m.Shard] = applied
	}
}
