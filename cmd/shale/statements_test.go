package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text       string
		statements []string
		rest       string
	}{
		{"", nil, ""},
		{" ;; -- nothing\n", nil, ""},
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT 1; SELECT 2 ;", []string{"SELECT 1", "SELECT 2"}, ""},
		{"SELECT ';' ; SELECT \"a;b\"", []string{"SELECT ';'"}, `SELECT "a;b"`},
		{"SELECT 'it''s; so';", []string{"SELECT 'it''s; so'"}, ""},
		{"SELECT 1 -- one; two\n;SELECT /* ; */ 2", []string{"SELECT 1 -- one; two"}, "SELECT /* ; */ 2"},
		{"SELECT [a;b], `c;d`;", []string{"SELECT [a;b], `c;d`"}, ""},
		{"SELECT 'open; SELECT 2;", nil, "SELECT 'open; SELECT 2;"},
	} {
		statements, rest := split(c.text)
		require.Equal(t, c.statements, statements, c.text)
		require.Equal(t, c.rest, rest, c.text)
	}
}

func TestComplete(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT 1": false, "SELECT 1;": true, "SELECT\n1;": true, "SELECT ';": false, ".help": true,
		"get k": true, "getter": false, "  put k v": true, "": true,
	} {
		require.Equal(t, want, complete(text), text)
	}
}

// A page has the shard's own rows alone, not those that a split has left on the wrong side,
// and takes up exactly behind the last one's place in the order.
func TestPageOf(t *testing.T) {
	s := sources()[0]
	first := "SELECT key, commit_ts, start_ts, op, value FROM versions WHERE key >= X'01' AND key < X'6d'"
	order := " ORDER BY key, commit_ts DESC, start_ts LIMIT 3"
	shard := &shalev1.Shard{StartKey: []byte("\x01"), EndKey: []byte("m")}
	require.Equal(t, first+order, s.pageOf(shard, nil, 3))
	last := []any{[]byte("a"), int64(7), int64(5), "put", nil}
	require.Equal(t, first+" AND key >= X'61' AND ((key > X'61') OR (key = X'61' AND commit_ts < 7) OR "+
		"(key = X'61' AND commit_ts = 7 AND start_ts > 5))"+order, s.pageOf(shard, last, 3))
	shard.EndKey = nil
	require.NotContains(t, s.pageOf(shard, nil, 3), "<")
}
