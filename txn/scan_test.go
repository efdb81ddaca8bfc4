package txn

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
)

// A transaction's gets and scans, with its own writes merged in, against a map: whatever the
// limits, the direction, the pages and the shards, which may be split between two pages (P15).
func TestReadsAgainstAMap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		key := rapid.Custom(func(r *rapid.T) mvcc.Key { return mvcc.Key(fmt.Sprintf("k%02d", rapid.IntRange(0, 30).Draw(r, "n"))) })
		w := newWorld(t, "k10", "k20")
		db := New(w.coordinator())
		model := map[mvcc.Key]string{}
		for i := range rapid.IntRange(0, 40).Draw(r, "stored") {
			k := key.Draw(r, "stored key")
			model[k] = fmt.Sprint("s", i)
			require.NoError(t, db.Put(t.Context(), k, []byte(model[k])))
		}
		tx, err := db.Begin(t.Context())
		require.NoError(t, err)
		for i := range rapid.IntRange(0, 15).Draw(r, "own") {
			k := key.Draw(r, "own key")
			if rapid.Bool().Draw(r, "delete") {
				delete(model, k)
				require.NoError(t, tx.Delete(k))
				continue
			}
			model[k] = fmt.Sprint("o", i)
			require.NoError(t, tx.Put(k, []byte(model[k])))
		}
		for range 5 {
			checkScan(r, w, tx, model, key)
		}
		k := key.Draw(r, "get")
		v, err := tx.Get(t.Context(), k)
		require.NoError(t, err)
		want, ok := model[k]
		require.Equal(t, ok, v != nil)
		require.Equal(t, want, string(v))
	})
}

func checkScan(r *rapid.T, w *world, tx *Txn, model map[mvcc.Key]string, key *rapid.Generator[mvcc.Key]) {
	start, end := key.Draw(r, "start"), key.Draw(r, "end")
	limit, reverse := rapid.IntRange(0, 8).Draw(r, "limit"), rapid.Bool().Draw(r, "reverse")
	if rapid.Bool().Draw(r, "open") {
		end = ""
	}
	if rapid.Bool().Draw(r, "from the beginning") {
		start = ""
	}
	if at := key.Draw(r, "split"); rapid.Bool().Draw(r, "do split") {
		starts := func(s *fakeShard) bool { return s.d.Span.Start == at }
		if !slices.ContainsFunc(w.shards, starts) {
			w.split(at)
		}
	}
	var want []string
	for k, v := range model {
		if (mvcc.Span{Start: start, End: end}).Contains(k) {
			want = append(want, string(k)+"="+v)
		}
	}
	slices.Sort(want)
	options := []ScanOption{Limit(limit)}
	if reverse {
		slices.Reverse(want)
		options = append(options, Reverse())
	}
	if limit > 0 {
		want = want[:min(limit, len(want))]
	}
	var got []string
	for e, err := range tx.Scan(w.t.Context(), start, end, options...) {
		require.NoError(w.t, err)
		got = append(got, string(e.Key)+"="+string(e.Value))
	}
	require.Equal(w.t, want, got, "[%q, %q) limit %d reverse %v", start, end, limit, reverse)
}

// A page that the coordinator hands out resumes where it ended, in both directions.
func TestPages(t *testing.T) {
	w := newWorld(t, "k3", "k6")
	c := w.coordinator()
	for i := range 10 {
		require.NoError(t, New(c).Put(t.Context(), mvcc.Key(fmt.Sprint("k", i)), []byte("v")))
	}
	for _, reverse := range []bool{false, true} {
		a := mvcc.ScanArgs{ReadTS: begin(t, c), Limit: 4, Reverse: reverse}
		var got []string
		for more, pages := true, 0; more; pages++ {
			require.Less(t, pages, 5)
			page, err := c.Scan(t.Context(), a)
			require.NoError(t, err)
			for _, v := range page.Versions {
				got = append(got, string(v.Key))
			}
			if more = page.More; reverse {
				a.Span.End = page.Resume
			} else {
				a.Span.Start = page.Resume
			}
		}
		want := []string{"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"}
		if reverse {
			slices.Reverse(want)
		}
		require.Equal(t, want, got)
	}
}

func TestLastBelow(t *testing.T) {
	for _, end := range []mvcc.Key{"b", "b\x00", "ab", "\xff\xff", "a\x01"} {
		k := lastBelow(end)
		require.Less(t, k, end)
		for _, below := range []mvcc.Key{end[:len(end)-1], "a", "a\xff\xff", "\x01"} {
			if below < end {
				require.GreaterOrEqual(t, k, below)
			}
		}
	}
}
