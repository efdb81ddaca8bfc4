package history

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

func sample() []Txn {
	return []Txn{
		{ID: 1 << 60, Process: 3, Mode: "optimistic", Outcome: OK, ReadTS: 1 << 60, CommitTS: 1<<60 + 1, Begin: 5, End: 9,
			Ops: []Op{{Do: Read, Key: "a"}, {Do: Append, Key: "a", Value: 1}, {Do: AtomicAppend, Key: "b", Value: 1}}},
		{ID: 4, Outcome: Unknown, Begin: 6, Heard: "lost", Ops: []Op{{Do: Read, Key: "a", List: []int64{1}}}},
		{ID: 5, Outcome: Aborted, Begin: 7, End: 8, Stale: true, Ops: []Op{{Do: Read, Key: "a", List: []int64{1, 2, 3}}}},
		{ID: 6, Outcome: OK, Unsteady: true, Ops: []Op{{Do: Read, Key: "a", List: []int64{1, 2}}}},
		{ID: 7, Outcome: OK, Ops: []Op{{Do: Read, Key: "a", List: []int64{1, 9}}}},
	}
}

func write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h.jsonl")
	w, err := Create(path, Header{Kind: "append", Check: Serializable, Seed: 7})
	require.NoError(t, err)
	for _, txn := range sample() {
		require.NoError(t, w.Write(&txn))
	}
	require.NoError(t, w.Close())
	return path
}

// What was written is read, timestamps above 2^53 included, and beginnings of one list are one
// array.
func TestWriteAndLoad(t *testing.T) {
	h, txns, err := Load(write(t))
	require.NoError(t, err)
	require.Equal(t, Header{"append", Serializable, 7}, h)
	require.Equal(t, sample(), txns)
	long, short, other := txns[2].Ops[0].List, txns[3].Ops[0].List, txns[4].Ops[0].List
	require.Same(t, &long[0], &short[0])
	require.NotSame(t, &long[0], &other[0])
	require.Equal(t, 2, cap(short), "nobody can append into the others'")
}

// Evidence is not written over, a torn last line is left out, and other dirt is an error.
func TestFiles(t *testing.T) {
	path := write(t)
	_, err := Create(path, Header{Kind: "append"})
	require.ErrorContains(t, err, "exists already")

	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-20], 0o644))
	_, txns, err := Load(path)
	require.NoError(t, err)
	require.Len(t, txns, 4)

	require.NoError(t, os.WriteFile(path, append(whole, `{"ops":[{"do":"jump"}]}`...), 0o644))
	_, _, err = Load(path)
	require.ErrorContains(t, err, `line 7: no operation "jump"`)

	require.NoError(t, os.WriteFile(path, []byte("{}\n"), 0o644))
	_, _, err = Load(path)
	require.ErrorAs(t, err, new(*mvcc.InvalidError))
}

func TestFormatList(t *testing.T) {
	list := make([]int64, 20)
	for i := range list {
		list[i] = int64(i)
	}
	require.Equal(t, "[0 1 2 3 …4… 8 9 10 11 12 13 14 15 16 17 18 19]", FormatList(list))
	require.Equal(t, "[0 1]", FormatList(list[:2]))
	require.Equal(t, "[]", FormatList(nil))
}
