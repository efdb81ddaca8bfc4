package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// offered are the values that fit at the bar.
func offered(s *Shell, line string) []string {
	before, after, _ := strings.Cut(line, "▏")
	var out []string
	for _, c := range s.complete(before, after).list {
		out = append(out, c.value)
	}
	return out
}

func TestComplete(t *testing.T) {
	s := newRan(Config{Extra: []Command{{Name: ".bank"}}}).shell
	for line, want := range map[string][]string{
		"sel":                                 {"select"},
		"SELECT 1; SEL":                       {"SELECT"},
		"G":                                   {"GET"},
		"sc":                                  {"scan"},
		".ba":                                 {".bank"},
		".ver":                                {".versions"},
		".mode j":                             {"json", "jsonl"},
		".mode json ":                         nil,
		".timer ":                             {"on", "off"},
		".schema h":                           {"history"},
		".help .":                             nil,
		".help ver":                           {"versions"},
		".use s":                              {"shard"},
		".use shard 2 ":                       {"replica"},
		".watch SELECT * FROM lo":             {"locks"},
		".watch 5 SELECT * FROM lo":           {"locks"},
		".nothing ":                           nil,
		"SELECT * FROM ":                      {"versions", "locks", "kv", "history("},
		"SELECT * FROM kv, l":                 {"locks"},
		"SELECT * FROM kv\nJOIN lo":           {"locks"},
		"SELECT a FROM (SELECT b FROM lo":     {"locks"},
		"UPDATE k":                            {"kv"},
		"UPDATE kv SET va":                    {"value", "values"},
		"SELECT key, ▏ FROM kv":               {"key", "value"},
		"SELECT com▏ FROM versions":           {"commit_ts"},
		"SELECT x.▏ FROM kv AS x":             {"key", "value"},
		"SELECT x.v▏ FROM locks l JOIN kv x":  {"value"},
		"SELECT kv.":                          {"key", "value"},
		"SELECT ts_":                          {"ts_now()", "ts_time("},
		"SELECT coun":                         {"count("},
		"SELECT count(▏ FROM kv":              {"key", "value"},
		"SELECT * FROM kv wher":               {"where"},
		"SELECT * FROM kv WHERE key = 'fr":    nil,
		"SELECT * FROM kv -- fr":              nil,
		"SELECT /* fr":                        nil,
		"-- se":                               nil,
		"SELECT op FROM history('k') WHERE o": {"op", "octet_length(", "offset", "on", "or", "order", "outer", "over"},
		"SELECT ke▏ FROM history('k')":        nil,
		"GET ver":                             nil,
		"SCAN a lim":                          {"LIMIT"},
		"SELECT é":                            nil,
	} {
		require.Equal(t, want, offered(s, line), line)
	}
	require.Contains(t, offered(s, ""), ".tables")
	require.Contains(t, offered(s, ""), "SCAN")
	require.Contains(t, offered(s, "SELECT "), "count(", "nothing is typed and no table is named")
}

// What is put in goes on with a space, or a bracket, and knows what stands before it.
func TestCompleteMenu(t *testing.T) {
	s := newRan(Config{}).shell
	c := s.complete("SELECT count(", " FROM kv")
	require.Equal(t, "(", c.bare)
	require.True(t, c.last, "a space stands there already")
	require.Equal(t, "(", c.menu().PREFIX)
	require.Equal(t, "key", s.complete("SELECT k", " FROM kv").list[0].value)
	require.False(t, s.complete("SELECT * FROM k", "").last)
	c = s.complete("SELECT * FROM hist", "")
	require.Equal(t, "history(key [, limit])", c.list[0].shown)
}

func TestCompleteFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one.sql", "other.sql", "with space.sql", ".hidden"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "odd"), 0o700))
	t.Chdir(dir)
	s := newRan(Config{}).shell
	require.Equal(t, []string{"odd/", "one.sql", "other.sql"}, offered(s, ".read o"))
	require.Equal(t, []string{dir + "/one.sql"}, offered(s, ".output "+dir+"/on"))
	require.Empty(t, offered(s, ".read none/"))
}

// Without relations there are the words of SQL still, and the next TAB asks again.
func TestCompleteWithout(t *testing.T) {
	r := newRan(Config{})
	r.fake.failing = errors.New("nobody answers")
	require.Equal(t, []string{"where"}, offered(r.shell, "SELECT * FROM kv wher"))
	require.Empty(t, offered(r.shell, "SELECT * FROM k"))
	r.fake.failing = nil
	require.Equal(t, []string{"kv"}, offered(r.shell, "SELECT * FROM k"))
	_, err := r.shell.relations(context.Background())
	require.NoError(t, err)
}

func TestKeywords(t *testing.T) {
	require.True(t, slices.IsSorted(keywords), "they are searched by halves")
}

func TestSigned(t *testing.T) {
	for doc, want := range map[string][2]string{
		"at(ts): the value of each key": {"at(ts)", "the value of each key"},
		"at the door":                   {"", "at the door"},
		"at(ts) gives":                  {"", "at(ts) gives"},
		"":                              {"", ""},
	} {
		signature, rest := signed("at", doc)
		require.Equal(t, want, [2]string{signature, rest}, doc)
	}
}
