package node

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The sqlite3 program reads a shard's file: while its node runs, soon after the write, and
// when it has stopped in order, at once and whole.
func TestTheSqliteProgramReadsAShard(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("needs the sqlite3 program: apt-get install sqlite3")
	}
	c := newTrio(t, 1)
	file := filepath.Join(c.dirs[0], "shards", "2", "shard.db")
	query := func(sql string) string {
		out, err := exec.CommandContext(c.ctx(), program, "-readonly", file, sql).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	c.put(0, "city/Basel", "177000")
	const versions = "SELECT CAST(key AS TEXT), op, CAST(value AS TEXT) FROM versions ORDER BY key"
	ctx := c.ctx()
	for query(versions) != "city/Basel|put|177000" { // flushed within about 100 ms
		require.NoError(t, ctx.Err())
	}
	require.Equal(t, "0", query("SELECT count(*) FROM locks"))
	c.put(0, "city/Genf", "203000")
	c.stop(0)
	require.Equal(t, "city/Basel|put|177000\ncity/Genf|put|203000", query(versions))
	require.Equal(t, "ok", query("PRAGMA integrity_check"))
}
