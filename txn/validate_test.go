package txn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// Write skew: two transactions read both keys and write one each. Snapshot isolation lets both
// through; serializable does not, in one shard or two, through gets or scans.
func TestWriteSkew(t *testing.T) {
	get := func(t *testing.T, tx *Txn) {
		_, err := tx.MultiGet(t.Context(), "a", "z")
		require.NoError(t, err)
	}
	scan := func(t *testing.T, tx *Txn) {
		for _, err := range tx.Scan(t.Context(), "", "") {
			require.NoError(t, err)
		}
	}
	for name, c := range map[string]struct {
		splits  []mvcc.Key
		read    func(*testing.T, *Txn)
		options []TxnOption
		both    bool
	}{
		"snapshot":                       {[]mvcc.Key{"m"}, get, nil, true},
		"snapshot, one shard":            {nil, scan, nil, true},
		"serializable, one shard":        {nil, get, []TxnOption{Serializable()}, false},
		"serializable, two shards":       {[]mvcc.Key{"m"}, get, []TxnOption{Serializable()}, false},
		"serializable, scans, one shard": {nil, scan, []TxnOption{Serializable()}, false},
		"serializable, scans":            {[]mvcc.Key{"c", "m"}, scan, []TxnOption{Serializable()}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.splits...)
			put(t, w, "a", "1", "z", "1")
			var txs []*Txn
			for _, k := range []mvcc.Key{"a", "z"} {
				tx, err := New(w.coordinator()).Begin(t.Context(), c.options...)
				require.NoError(t, err)
				c.read(t, tx)
				require.NoError(t, tx.Put(k, []byte("0")))
				txs = append(txs, tx)
			}
			require.NoError(t, txs[0].Commit(t.Context()))
			err := txs[1].Commit(t.Context())
			w.settle()
			require.Empty(t, w.locks())
			if c.both {
				require.NoError(t, err)
				require.Equal(t, []string{"0", "0"}, w.values("a", "z"))
				return
			}
			require.True(t, aborted(err), "%v", err)
			require.Equal(t, []string{"0", "1"}, w.values("a", "z"))
		})
	}
}

// A phantom: a scan found nothing, and somebody puts something there.
func TestPhantom(t *testing.T) {
	for _, splits := range [][]mvcc.Key{nil, {"m"}, {"d", "e", "m"}} {
		w := newWorld(t, splits...)
		tx, err := New(w.coordinator()).Begin(t.Context(), Serializable())
		require.NoError(t, err)
		for range tx.Scan(t.Context(), "c", "f") {
			t.Fatal("nothing is there")
		}
		require.NoError(t, tx.Put("z", []byte("1")))
		put(t, w, "g", "outside")
		other := tx
		put(t, w, "ee", "phantom")
		require.True(t, aborted(other.Commit(t.Context())), "%v", splits)
		w.settle()
		require.Equal(t, []string{"-"}, w.values("z"))
	}
}

// What was read stays as it was: nothing of others between, and the commit goes through at V.
func TestSerializableCommitsAtV(t *testing.T) {
	w := newWorld(t, "m")
	put(t, w, "a", "1", "b", "1", "z", "1")
	tx, err := New(w.coordinator()).Begin(t.Context(), Serializable())
	require.NoError(t, err)
	_, err = tx.MultiGet(t.Context(), "a", "z")
	require.NoError(t, err)
	for e, err := range tx.Scan(t.Context(), "", "", Limit(1)) {
		require.NoError(t, err)
		require.Equal(t, mvcc.Key("a"), e.Key)
	}
	require.NoError(t, tx.Put("z", []byte("2")))
	put(t, w, "b", "2", "y", "2") // not read
	w.sent = nil
	drawn := w.draws
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, []string{"prewrite", "validate", "validate", "commit primary"}, w.sent)
	require.Equal(t, 1, w.draws-drawn)
	require.Equal(t, w.issued, tx.CommitTS(), "V is drawn, not calculated (S2)")
	w.settle()
	require.Equal(t, []string{"2"}, w.values("z"))
}

// All in one shard and single keys: one phase, no timestamp is drawn.
func TestSerializableInOnePhase(t *testing.T) {
	w := newWorld(t, "m")
	put(t, w, "a", "1", "b", "1")
	tx, err := New(w.coordinator()).Begin(t.Context(), Serializable())
	require.NoError(t, err)
	_, err = tx.MultiGet(t.Context(), "a", "b")
	require.NoError(t, err)
	require.NoError(t, tx.Put("b", []byte("2")))
	w.sent = nil
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, []string{"one-phase"}, w.sent)
}

// A copy of the same Commit validated before somebody changed what was read, and committed;
// this one fails to validate. The commit is the answer (S7).
func TestACopyThatValidatedEarlier(t *testing.T) {
	w := newWorld(t, "g", "p")
	put(t, w, "a", "1", "h", "1")
	first, second := w.coordinator(), w.coordinator()
	tx := Transaction{Start: begin(t, first)}
	content := puts("a", "2", "z", "2")
	content.Serializable, content.ReadKeys = true, []mvcc.Key{"h"}
	var commitTS timestamp.Timestamp
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) != "validate" {
			return none
		}
		w.fault = nil
		var err error
		commitTS, err = second.Commit(t.Context(), tx, content)
		require.NoError(t, err)
		put(t, w, "h", "2")
		return none
	}
	again, err := first.Commit(t.Context(), tx, content)
	require.NoError(t, err)
	require.Equal(t, commitTS, again)
}

// Dead after the locks stand and before validation: nobody takes standing locks for a commit
// (S2).
func TestUnvalidatedLocksCommitNothing(t *testing.T) {
	w := newWorld(t, "g", "p")
	put(t, w, "a", "1", "h", "1")
	c := w.coordinator()
	tx := Transaction{Start: begin(t, c)}
	content := puts("a", "2", "z", "2")
	content.Serializable, content.ReadKeys = true, []mvcc.Key{"h"}
	w.fault = func(call *routing.Call) fault {
		if kind(call.Req) == "validate" {
			return death
		}
		return none
	}
	_, err := c.Commit(t.Context(), tx, content)
	require.ErrorIs(t, err, errDead)
	w.fault, w.dead, w.tasks = nil, false, nil
	require.Len(t, w.locks(), 2)
	require.Equal(t, []string{"1", "-"}, w.values("a", "z"))
	require.Empty(t, w.locks())
}

func TestReadsAreBounded(t *testing.T) {
	var r reads
	for range 3 * readsMax {
		require.NoError(t, r.keys(true, []mvcc.Key{"again"}))
	}
	var err error
	for i := 0; err == nil; i++ {
		require.LessOrEqual(t, i, readsBytesMax/mvcc.MaxKeySize)
		k := make([]byte, mvcc.MaxKeySize)
		k[0], k[1], k[2] = 1, byte(i), byte(i>>8)
		err = r.keys(true, []mvcc.Key{mvcc.Key(k)})
	}
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "READS_TOO_LARGE", invalid.Reason)

	var scans reads // pages of one scan are one span, in either direction
	for _, s := range []mvcc.Span{{Start: "a", End: "c"}, {Start: "c", End: "f"}, {Start: "f"}} {
		require.NoError(t, scans.span(true, s))
	}
	for _, s := range []mvcc.Span{{Start: "t", End: "w"}, {Start: "s", End: "t"}} {
		require.NoError(t, scans.span(true, s))
	}
	_, spans := scans.all()
	require.Equal(t, []mvcc.Span{{Start: "a"}, {Start: "s", End: "w"}}, spans)
}

func TestReadsWithoutSerializable(t *testing.T) {
	w := newWorld(t)
	c := w.coordinator()
	content := puts("a", "1")
	content.ReadKeys = []mvcc.Key{"b"}
	_, err := c.Commit(t.Context(), Transaction{Start: begin(t, c)}, content)
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "READS_UNUSED", invalid.Reason)
	require.Empty(t, w.sent)
}

// A directory that does not know the shard of a key that was read, while a split is under way,
// holds a serializable commit up. Nothing else: without its locks it must not go on to validate
// (make sim SEED=1950 of an older simulator: "a commit's primary is only claimed").
func TestAReadWhoseShardIsNotKnownYet(t *testing.T) {
	w := newWorld(t, "m")
	put(t, w, "a", "1", "z", "1")
	unknown := 0
	shards := NewShardCache(func(ctx context.Context, k mvcc.Key) ([]routing.Descriptor, error) {
		if k == "a" && unknown > 0 {
			unknown--
			return nil, nil
		}
		return w.lookup(ctx, k)
	})
	c := NewCoordinator(Windows{Sender: w, Timestamps: w, Shards: shards, Tasks: w}, Config{})
	tx, err := New(c).Begin(t.Context(), Serializable())
	require.NoError(t, err)
	_, err = tx.MultiGet(t.Context(), "a")
	require.NoError(t, err)
	require.NoError(t, tx.Put("z", []byte("2")))
	shards.Forget(w.shards[0].d)
	unknown, w.sent = 2, nil
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, []string{"prewrite", "validate", "commit primary"}, w.sent)
	require.Zero(t, unknown)
	w.settle()
	require.Equal(t, []string{"2"}, w.values("z"))
}
