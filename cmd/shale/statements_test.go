package main

import (
	"testing"

	"github.com/stretchr/testify/require"
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

// Rows are paged by what orders them: the condition must take up exactly behind a row.
func TestAfter(t *testing.T) {
	s := sources()[0]
	require.Equal(t, "key, commit_ts DESC, start_ts", s.orderBy())
	require.Equal(t, "key >= X'61' AND ((key > X'61') OR (key = X'61' AND commit_ts < 7) OR "+
		"(key = X'61' AND commit_ts = 7 AND start_ts > 5))", s.after([]any{[]byte("a"), int64(7), int64(5), "put", nil}))
}
