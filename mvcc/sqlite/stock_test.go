package sqlite

import (
	"bytes"
	"net/url"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

// What any program that knows SQLite reads of a shard's file, by the contract's names: with
// the driver as it comes, without the pages' sums and without a word of this package.
func TestStockFile(t *testing.T) {
	s := open(t)
	large := bytes.Repeat([]byte("x"), 1000)
	b := &mvcc.Batch{Index: 7, Term: 2, Meta: []mvcc.MetaRow{{Name: "bounds", Value: []byte("b")}},
		Locks: []mvcc.Lock{{Key: "b", StartTS: 300, Primary: "a", Kind: mvcc.LockClaim, MinCommitTS: 301, Expires: 900}},
		Records: []mvcc.Record{{Key: "a", StartTS: 99, Decision: mvcc.Committed, CommitTS: 100},
			{Key: "c", StartTS: 120, Decision: mvcc.Aborted}}}
	put(b, "a", 100, []byte("one"))
	put(b, "a", 200, large)
	require.NoError(t, s.Flush(b, true))

	db, err := sqlx.Open("sqlite", "file:"+url.PathEscape(s.path)+"?mode=ro")
	require.NoError(t, err)
	defer db.Close()
	type version struct {
		Key      []byte `db:"key"`
		CommitTS int64  `db:"commit_ts"`
		StartTS  int64  `db:"start_ts"`
		Op       string `db:"op"`
		Value    []byte `db:"value"`
	}
	var versions []version
	require.NoError(t, db.Select(&versions, "SELECT key, commit_ts, start_ts, op, value FROM versions"))
	require.Equal(t, []version{{[]byte("a"), 200, 199, "put", large}, {[]byte("a"), 100, 99, "put", []byte("one")}}, versions)
	type lock struct {
		Key     string `db:"key"`
		StartTS int64  `db:"start_ts"`
		Primary string `db:"primary_key"`
	}
	var locks []lock
	require.NoError(t, db.Select(&locks, "SELECT key, start_ts, primary_key FROM locks"))
	require.Equal(t, []lock{{"b", 300, "a"}}, locks)
	type outcome struct {
		StartTS  int64  `db:"start_ts"`
		Key      string `db:"key"`
		State    string `db:"state"`
		CommitTS *int64 `db:"commit_ts"`
	}
	at := int64(100)
	var txns []outcome
	require.NoError(t, db.Select(&txns, "SELECT start_ts, key, state, commit_ts FROM txns ORDER BY start_ts"))
	require.Equal(t, []outcome{{99, "a", "committed", &at}, {120, "c", "aborted", nil}}, txns)
	var names []string
	require.NoError(t, db.Select(&names, "SELECT name FROM meta ORDER BY name"))
	require.Contains(t, names, "bounds")
	require.NoError(t, s.Close())
}
