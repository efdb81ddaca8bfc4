package shell

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Statements are remembered whole, once, in order, by this shell and the next one.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "history")
	h, err := openHistory(path)
	require.NoError(t, err)
	for _, text := range []string{"SELECT\n  1;", "SELECT 'é\"\\';", "SELECT 'é\"\\';", "  ", strings.Repeat("x", rememberedMax+1), ".exit\n"} {
		_, err := h.Write(text)
		require.NoError(t, err)
	}
	again, err := openHistory(path)
	require.NoError(t, err)
	require.Equal(t, []string{"SELECT\n  1;", "SELECT 'é\"\\';", ".exit"}, again.lines)
	require.Equal(t, 3, again.Len())
	last, err := again.GetLine(2)
	require.NoError(t, err)
	require.Equal(t, ".exit", last)
	for _, i := range []int{-1, 3} {
		_, err = again.GetLine(i)
		require.Error(t, err)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// The file stays within its bounds, keeps the newest, and passes over what it cannot read.
func TestHistoryBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var text strings.Builder
	for i := range historyMax + 500 {
		fmt.Fprintf(&text, "\"SELECT %d;\"\n", i)
	}
	text.WriteString("cut shor")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o644))
	h, err := openHistory(path)
	require.NoError(t, err)
	require.Len(t, h.lines, historyMax)
	require.Equal(t, "SELECT 500;", h.lines[0])
	_, err = h.Write("SELECT 'new';")
	require.NoError(t, err)
	require.Len(t, h.lines, historyMax)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, historyMax+1, strings.Count(string(raw), "\n"))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it was readable by others")

	wide := "\"" + strings.Repeat("x", 50_000) + "\"\n"
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat(wide, 200)), 0o600))
	h, err = openHistory(path)
	require.NoError(t, err)
	require.InDelta(t, historyBytesMax/50_000, len(h.lines), 2)
	info, err = os.Stat(path)
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(historyBytesMax))
}

// Shells that run at the same time all add to it, also while one shortens it.
func TestHistoryTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	var all sync.WaitGroup
	for shell := range 4 {
		all.Go(func() {
			for i := range 20 {
				h, err := openHistory(path)
				if err == nil {
					_, err = h.Write(fmt.Sprintf("SELECT %d, %d;", shell, i))
				}
				if err == nil && shell == 0 {
					err = h.locked(h.reread)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	h, err := openHistory(path)
	require.NoError(t, err)
	require.Len(t, h.lines, 80)
}

// reread shortens the file as openHistory does.
func (h *history) reread() error {
	raw, _, err := tail(h.path)
	if err != nil {
		return err
	}
	h.lines = remembered(raw)
	return h.rewrite()
}

// Where there is no place for it, the shell works without.
func TestHistoryNowhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	h, err := openHistory(filepath.Join(file, "history"))
	require.Error(t, err)
	_, err = h.Write("SELECT 1;")
	require.NoError(t, err)
	require.Equal(t, 1, h.Len())

	t.Setenv("XDG_STATE_HOME", "/state")
	require.Equal(t, "/state/shale/history", HistoryFile())
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/somewhere")
	require.Equal(t, "/somewhere/.local/state/shale/history", HistoryFile())
	t.Setenv("HOME", "")
	require.Empty(t, HistoryFile())
}
