package ptytest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// limit is the time for what must come.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, script string) *Console {
	t.Helper()
	c, err := Start(exec.Command("sh", "-c", script), 40, 5)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A program has a terminal of the size that was asked for, and its interrupts.
func TestConsole(t *testing.T) {
	c := start(t, `trap 'echo trapped; exit 7' INT; stty size; echo begun; while :; do read line && echo "<$line>"; done`)
	require.NoError(t, c.See(limit(t), "5 40\nbegun"))
	require.NoError(t, c.Send("word\r"))
	require.NoError(t, c.See(limit(t), "<word>"))
	require.NoError(t, c.Send("\x03"))
	code, err := c.Exit(limit(t))
	require.NoError(t, err)
	require.Equal(t, 7, code)
	require.Contains(t, c.All(), "trapped")
	require.Error(t, c.Signal(os.Interrupt))
}

// What does not come is an error that shows the screen, also when the program has ended.
func TestConsoleWaits(t *testing.T) {
	c := start(t, "echo all there is")
	err := c.See(limit(t), "more")
	var waited *WaitError
	require.ErrorAs(t, err, &waited)
	require.ErrorIs(t, err, errEnded)
	require.Contains(t, err.Error(), "all there is")
	require.NoError(t, c.See(limit(t), "all there is"))

	c = start(t, "read line")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.See(ctx, "more"), context.Canceled)
	_, err = c.Exit(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// A script says in which line it failed, and leaves the transcript of what there was.
func TestRecord(t *testing.T) {
	c := start(t, "echo one; read line; echo two; exit 3")
	var out strings.Builder
	require.NoError(t, c.Record(limit(t), &out, "# a comment\nsee one\nshow before\nmatch on."))
	require.Contains(t, out.String(), "── before ──\none\n")
	require.NoError(t, c.Send("\r"))
	out.Reset()
	require.NoError(t, c.Record(limit(t), &out, "see two\nexit 3"))
	require.Equal(t, "one\n\ntwo\n", out.String())
	for script, says := range map[string]string{
		"see one\nexit 4": "line 2: exit 4: it ended with 3",
		"dance":           "no step is named dance",
		"key hyper":       `no key is named "hyper"`,
		"match (":         "missing closing",
		"type x":          "the program has ended",
	} {
		require.ErrorContains(t, c.Record(limit(t), &out, script), says)
	}
}
