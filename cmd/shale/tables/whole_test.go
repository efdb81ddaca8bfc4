package tables_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/cmd/shale/tables"
	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
	"github.com/shaledb/shale/txn"
)

// A whole cluster, in the order in which one would look: each part needs the one before.
func TestWhole(t *testing.T) {
	c := newTrio(t)
	for _, part := range []struct {
		name string
		run  func(*trio)
	}{
		{"state", testState}, {"workload", testWorkload}, {"bank", testBank}, {"locks", testLocks}, {"files", testFiles},
	} {
		if !t.Run(part.name, func(t *testing.T) { whole := c.TB; c.TB = t; defer func() { c.TB = whole }(); part.run(c) }) {
			return
		}
	}
}

func testState(c *trio) {
	sh := c.shell()
	c.split("h")
	require.Equal(c, []string{"1|127.0.0.1|1|test|1", "2|127.0.0.1|1|test|1", "3|127.0.0.1|1|test|1"},
		sh.ask("SELECT node, substr(address, 1, 9), alive, version, uptime_s IS NOT NULL FROM nodes ORDER BY node"))
	c.until("a leader of each shard", func() bool {
		return sh.ask("SELECT count(*) FROM shards WHERE leader IS NULL")[0] == "0"
	})
	require.Equal(c, []string{"2|X'01'|h|1 2 3", "3|h|<nil>|1 2 3"},
		sh.ask("SELECT shard, start_key, end_key, replicas FROM shards WHERE shard > 1 ORDER BY shard"))
	require.Equal(c, []string{"3"}, sh.ask("SELECT count(*) FROM replicas WHERE shard = 3 AND away IS NULL AND log_last >= applied AND applied > 0"))
	require.Equal(c, []string{"1|2"}, sh.ask("SELECT sum(role = 'leader'), sum(role = 'follower') FROM raft WHERE shard = 3"))
	require.Equal(c, []string{"3"}, sh.ask("SELECT count(*) FROM raft WHERE shard = 3 AND lead = (SELECT leader FROM shards WHERE shard = 3) AND match > 0"))
	require.Equal(c, []string{"3"}, sh.ask("SELECT count(DISTINCT node) FROM metrics WHERE name = 'shale_calls_total' AND value >= 0"))
	require.Equal(c, []string{"1"}, sh.ask("SELECT count(DISTINCT node) FROM metrics WHERE node = 2"))
	require.Equal(c, []string{"3"}, sh.ask("SELECT count(DISTINCT node) FROM settings WHERE name <> '' AND doc <> ''"))
	require.Empty(c, sh.ask("SELECT * FROM plans"))
	require.Equal(c, []string{"1|1|text"}, sh.ask("SELECT ts_now() = ts_now(), ts_now() > 0, typeof(key_text(X'ff'))"))
}

// written is one change that was acknowledged.
type written struct {
	ts    timestamp.Timestamp
	start timestamp.Timestamp
	key   string
	value string
	gone  bool
}

// workload writes at random from several sides, and keeps its own record.
func (c *trio) workload(seed uint64, transactions int) (record []written) {
	var mu sync.Mutex
	var writing sync.WaitGroup
	for n := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		writing.Go(func() {
			for i := range transactions {
				var tx *txn.Txn
				var mine []written
				err := c.db.Update(c.within(), func(t *txn.Txn) error {
					tx, mine = t, nil
					for range 1 + rng.IntN(4) {
						w := written{start: t.ID(), key: fmt.Sprintf("%c%d", 'a'+rune(rng.IntN(20)), rng.IntN(10)), value: fmt.Sprintf("%d-%d-%d", n, i, len(mine)),
							gone: rng.IntN(4) == 0}
						if slices.ContainsFunc(mine, func(o written) bool { return o.key == w.key }) {
							continue
						}
						mine = append(mine, w)
						err := error(nil)
						if w.gone {
							err = t.Delete(mvcc.Key(w.key))
						} else {
							err = t.Put(mvcc.Key(w.key), []byte(w.value))
						}
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					c.Errorf("seed %d: %v", seed, err)
					return
				}
				mu.Lock()
				for _, w := range mine {
					w.ts = tx.CommitTS()
					record = append(record, w)
				}
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	slices.SortFunc(record, func(a, b written) int { return cmp.Compare(a.ts, b.ts) })
	return record
}

// stateAt is what the record says of a moment.
func stateAt(record []written, at timestamp.Timestamp) map[string]written {
	out := map[string]written{}
	for _, w := range record {
		switch {
		case w.ts > at:
		case w.gone:
			delete(out, w.key)
		default:
			out[w.key] = w
		}
	}
	return out
}

// recorded is the diff that the record gives.
func recorded(record []written, ts1, ts2 timestamp.Timestamp) []string {
	was, is := stateAt(record, ts1), stateAt(record, ts2)
	last := map[string]written{}
	for _, w := range record {
		if w.ts <= ts2 {
			last[w.key] = w
		}
	}
	keys := map[string]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range is {
		keys[k] = true
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		before, had := was[k]
		after, has := is[k]
		switch {
		case had && has && before.ts == after.ts:
		case had && has:
			out = append(out, fmt.Sprintf("%s|update|%s|%s|%d|%d|%d", k, before.value, after.value, before.ts, after.ts, after.start))
		case has:
			out = append(out, fmt.Sprintf("%s|insert|<nil>|%s|<nil>|%d|%d", k, after.value, after.ts, after.start))
		default:
			out = append(out, fmt.Sprintf("%s|delete|%s|<nil>|%d|%d|%d", k, before.value, before.ts, last[k].ts, last[k].start))
		}
	}
	return out
}

// What the tables say of a random workload is what it wrote down itself, while shards split.
func testWorkload(c *trio) {
	seed := rand.Uint64()
	c.Logf("seed %d", seed)
	var splitting sync.WaitGroup
	splitting.Go(func() {
		for _, k := range []string{"d", "m", "r"} {
			c.split(k)
		}
	})
	sh := c.shell()
	begun, err := strconv.ParseUint(sh.ask("SELECT ts_now()")[0], 10, 64)
	require.NoError(c, err)
	record := c.workload(seed, 40)
	splitting.Wait()
	rng := rand.New(rand.NewPCG(seed, 99))
	moment := func() timestamp.Timestamp { return record[rng.IntN(len(record))].ts }
	diff := "SELECT key, change, before, after, before_ts, after_ts, start_ts FROM diff(%d, %s)"
	last := record[len(record)-1].ts
	require.Equal(c, recorded(record, timestamp.Timestamp(begun), last), sh.ask(diff, begun, "ts_now()"), "seed %d", seed)
	for range 10 {
		ts1, ts2 := moment(), moment()
		ts1, ts2 = min(ts1, ts2), max(ts1, ts2)
		require.Equal(c, recorded(record, ts1, ts2), sh.ask(diff, ts1, ts2.String()), "seed %d: %d to %d", seed, ts1, ts2)
		var want []string
		state := stateAt(record, ts2)
		for _, k := range slices.Sorted(maps.Keys(state)) {
			want = append(want, fmt.Sprintf("%s|%s|%d|%d", k, state[k].value, state[k].ts, state[k].start))
		}
		require.Equal(c, want, sh.ask("SELECT key, value, commit_ts, start_ts FROM at(%d)", ts2), "seed %d: at %d", seed, ts2)
	}
	require.Equal(c, []string{fmt.Sprint(len(record))}, sh.ask("SELECT count(*) FROM versions"))
	require.Equal(c, []string{"6"}, sh.ask("SELECT count(DISTINCT shard) + 1 FROM versions"))
	w := record[rng.IntN(len(record))]
	mine := slices.DeleteFunc(slices.Clone(record), func(o written) bool { return o.start != w.start })
	require.Equal(c, []string{fmt.Sprintf("%d|%d", len(mine), len(mine))},
		sh.ask("SELECT count(op), sum(state = 'committed' AND commit_ts = %d) FROM txn(%d)", w.ts, w.start))
	for _, where := range []string{"key = '%s'", "key = CAST('%s' AS BLOB)", "key IN ('%s', 'nowhere')", "key LIKE '%s'", "key GLOB '%s'"} {
		where = fmt.Sprintf(where, w.key)
		count := 0
		for _, o := range record {
			if o.key == w.key {
				count++
			}
		}
		require.Equal(c, []string{fmt.Sprint(count)}, sh.ask("SELECT count(*) FROM versions WHERE %s", where), where)
	}
	require.Equal(c, []string{"0"}, sh.ask("SELECT count(*) FROM blame() b LEFT JOIN at(ts_now()) a ON a.key = b.key WHERE a.value IS NOT b.value"))
}

// While money moves, every statement sees all of it, in all its tables.
func testBank(c *trio) {
	const accounts, each = 20, 100
	account := func(i int) mvcc.Key { return mvcc.Key(fmt.Sprintf("%c/account", 'a'+rune(i))) }
	require.NoError(c, c.db.Update(c.within(), func(t *txn.Txn) error {
		for i := range accounts {
			if err := t.Put(account(i), []byte(fmt.Sprint(each))); err != nil {
				return err
			}
		}
		return nil
	}))
	seed := rand.Uint64()
	c.Logf("seed %d", seed)
	ctx, cancel := context.WithCancel(c.within())
	var moving sync.WaitGroup
	defer moving.Wait()
	defer cancel()
	for n := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		moving.Go(func() {
			for ctx.Err() == nil {
				from, to := account(rng.IntN(accounts)), account(rng.IntN(accounts))
				if from == to {
					continue
				}
				_ = c.db.Update(ctx, func(t *txn.Txn) error { // those that the end cuts off did nothing or all
					for k, by := range map[mvcc.Key]int{from: -1, to: 1} {
						text, err := t.Get(ctx, k)
						if err != nil {
							return err
						}
						has, err := strconv.Atoi(string(text))
						if err != nil {
							return err
						}
						if err := t.Put(k, []byte(strconv.Itoa(has+by))); err != nil {
							return err
						}
					}
					return nil
				})
			}
		})
	}
	sh := c.shell()
	for range 25 {
		require.Equal(c, []string{"20|2000"}, sh.ask("SELECT count(*), sum(value) FROM latest WHERE key LIKE '%%/account'"))
		require.Equal(c, []string{"20|0"}, sh.ask(`SELECT count(*), sum(l.commit_ts <> (SELECT max(v.commit_ts) FROM versions v WHERE v.key = l.key))
			FROM latest l WHERE l.key LIKE '%%/account'`), "two tables of one statement are of one cut")
	}
	moved := sh.ask("SELECT count(*) FROM versions WHERE key LIKE '%%/account'")[0]
	require.NotEqual(c, "20", moved, "nothing moved")
}

// A lock, and who waits for it, are seen while it is held.
func testLocks(c *trio) {
	sh := c.shell()
	holder, err := c.db.Begin(c.within(), txn.Pessimistic())
	require.NoError(c, err)
	_, err = holder.GetForUpdate(c.within(), "held")
	require.NoError(c, err)
	require.Equal(c, []string{fmt.Sprintf("held|%d|held|claim", holder.ID())},
		sh.ask("SELECT key, start_ts, primary_key, kind FROM locks WHERE key = 'held'"))
	waiter, err := c.db.Begin(c.within(), txn.Pessimistic())
	require.NoError(c, err)
	got := make(chan error, 1)
	go func() {
		_, err := waiter.GetForUpdate(context.Background(), "held")
		got <- err
	}()
	want := fmt.Sprintf("%d|%d|held|claim", waiter.ID(), holder.ID())
	c.until("the wait", func() bool {
		return slices.Contains(sh.ask("SELECT waiter, holder, key, request FROM waits"), want)
	})
	require.Equal(c, []string{fmt.Sprintf("<nil>|%d|claim|undecided", holder.ID())},
		sh.ask("SELECT commit_ts, start_ts, op, state FROM history('held')"))
	require.Equal(c, []string{"held|claim|locked"}, sh.ask("SELECT key, op, state FROM txn(%d)", holder.ID()))
	require.NoError(c, holder.Rollback(c.within()))
	require.NoError(c, <-got)
	require.NoError(c, waiter.Rollback(c.within()))
	c.until("the lock's end", func() bool { return len(sh.ask("SELECT 1 FROM locks WHERE key = 'held'")) == 0 })
	require.NotEmpty(c, sh.ask("SELECT * FROM hot() WHERE key IS NULL AND writes > 0"))
}

// The same statements give the same rows over the cluster, over each node's files while it runs
// and when all nodes are dead.
func testFiles(c *trio) {
	require.NoError(c, c.db.Update(c.within(), func(t *txn.Txn) error { // what is no text, and large, and empty
		for k, v := range map[mvcc.Key]string{"\x01": "\x00", "b\xff": "binary", "b": "", "big": strings.Repeat("x", 3000)} {
			if err := t.Put(k, []byte(v)); err != nil {
				return err
			}
		}
		return nil
	}))
	sh := c.shell()
	c.until("quiet", func() bool {
		return sh.ask("SELECT count(*) FROM locks")[0] == "0" &&
			sh.ask("SELECT count(DISTINCT shard || ' ' || applied) - count(DISTINCT shard) + sum(flushed < applied) FROM replicas")[0] == "0"
	})
	middle := sh.ask("SELECT commit_ts FROM versions ORDER BY commit_ts LIMIT 1 OFFSET 60")[0]
	statements := []string{
		"SELECT shard, key, commit_ts, start_ts, op, value FROM versions",
		"SELECT key, commit_ts FROM versions WHERE key >= 'c' AND key < 'n' AND commit_ts > " + middle,
		"SELECT * FROM versions WHERE shard = 3 AND start_ts = (SELECT max(start_ts) FROM versions WHERE shard = 3)",
		"SELECT * FROM readable", "SELECT * FROM latest", "SELECT * FROM locks",
		"SELECT * FROM at(" + middle + ")", "SELECT * FROM diff(" + middle + ", ts_now())", "SELECT * FROM diff(ts_now(), " + middle + ", 'c', 'p')",
		"SELECT * FROM blame('b', 'g')", "SELECT * FROM history('a/account')", "SELECT * FROM history(X'62ff')",
		"SELECT * FROM txn((SELECT max(start_ts) FROM versions))",
		"SELECT shard, start_key, end_key, bounds_epoch, members_epoch, replicas FROM shards ORDER BY shard",
	}
	var want [][]string
	for _, s := range statements {
		want = append(want, sh.ask("%s", s))
	}
	require.NotEmpty(c, want[1])
	same := func(who string, other *session) {
		for i, s := range statements {
			require.Equal(c, want[i], other.ask("%s", s), "%s: %s", who, s)
		}
	}
	for i := range c.nodes {
		f, err := tables.OpenReplica(c.within(), tables.Config{Hosts: c.hosts}, c.node(i))
		require.NoError(c, err)
		same(fmt.Sprint("replica of node ", i+1), c.over(f.Tables(), f.Functions()))
	}
	_, err := tables.OpenReplica(c.within(), tables.Config{Hosts: c.hosts}, 9)
	require.ErrorContains(c, err, "there is no node 9: there are 1, 2, 3")
	for _, alive := range []bool{true, false} {
		if !alive {
			c.stop()
		}
		for i, dir := range c.dirs {
			f, err := tables.OpenStore(dir)
			require.NoError(c, err)
			dead := c.over(f.Tables(), f.Functions())
			same(fmt.Sprintf("files of node %d, alive: %v", i+1, alive), dead)
			require.Equal(c, []string{"6|6"}, dead.ask("SELECT count(*), count(flushed) FROM replicas WHERE node = %d AND own", i+1))
			require.Equal(c, []string{"6"}, dead.ask("SELECT count(DISTINCT shard) FROM meta WHERE name = 'applied_index' AND value > 0"))
			require.NotEmpty(c, dead.ask("SELECT count(*) FROM marks"))
		}
	}
	one, err := tables.OpenStore(c.dirs[0] + "/shards/3/shard.db")
	require.NoError(c, err)
	require.Equal(c, []string{"3"}, c.over(one.Tables(), one.Functions()).ask("SELECT DISTINCT shard FROM versions"))
	_, err = tables.OpenStore(c.TempDir())
	require.ErrorContains(c, err, "shards/ID/shard.db")
}
