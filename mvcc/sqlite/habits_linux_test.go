package sqlite

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// P29: somebody in the process reads the file beside SQLite and closes it. SQLite's lock on it
// holds nevertheless, as another process sees. Were it gone, a program that comes and goes
// would take itself for the last user and remove the write-ahead log under the store: the
// sqlite3 program does, and is let try where there is one.
func TestLocksOutliveAStrangersClose(t *testing.T) {
	if path := os.Getenv("SHALE_TEST_LOCK"); path != "" {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		defer f.Close()
		shared := syscall.Flock_t{Type: syscall.F_WRLCK, Start: 0x40000002, Len: 510} // SQLite's SHARED bytes
		require.NoError(t, syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &shared))
		require.NotEqual(t, int16(syscall.F_UNLCK), shared.Type, "nobody holds the file")
		return
	}
	s := open(t)
	defer s.Close()
	at := fill(t, s, 0, 2, 20)
	for _, p := range []string{s.path, s.path + "-wal"} {
		_, err := os.ReadFile(p)
		require.NoError(t, err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestLocksOutliveAStrangersClose$", "-test.count=1")
	child.Env = append(os.Environ(), "SHALE_TEST_LOCK="+s.path)
	out, err := child.CombinedOutput()
	require.NoError(t, err, string(out))
	if program, err := exec.LookPath("sqlite3"); err == nil {
		out, err := exec.Command(program, s.path, "SELECT count(*) FROM versions").CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, "40\n", string(out))
		require.FileExists(t, s.path+"-wal", "a visitor removed the write-ahead log under the store")
	}
	require.Equal(t, at+1, fill(t, s, at, 1, 20))
	v, err := s.View()
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(at+1), fmt.Sprint(v.Index()))
	require.NoError(t, v.Close())
}

// P23: opening and loading a file of some megabytes reads some pages of it.
func TestOpenReadsLittle(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 1, 6000)
	require.NoError(t, s.Close())
	before := bytesRead(t)
	again, err := Open(s.path, Config{})
	require.NoError(t, err)
	_, err = again.Load()
	require.NoError(t, err)
	read := bytesRead(t) - before
	require.Greater(t, again.Size(), int64(6<<20))
	t.Logf("read %d bytes of %d", read, again.Size())
	require.Less(t, read, int64(256<<10))
	require.NoError(t, again.Close())
}

// bytesRead is what this process has read by system calls.
func bytesRead(t *testing.T) (n int64) {
	raw, err := os.ReadFile("/proc/self/io")
	require.NoError(t, err)
	_, err = fmt.Sscanf(string(raw), "rchar: %d", &n)
	require.NoError(t, err)
	return n
}
