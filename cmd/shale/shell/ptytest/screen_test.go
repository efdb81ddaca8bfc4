package ptytest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestScreen(t *testing.T) {
	for wrote, want := range map[string]string{
		"one\r\ntwo":                    "one\ntwo",
		"abc\rX":                        "Xbc",
		"abc\b\bX":                      "aXc",
		"a\tb":                          "a       b",
		"0123456789":                    "0123456789",
		"0123456789a":                   "0123456789\na",
		"0123456789\r\na":               "0123456789\na", // the last column does not wrap by itself
		"a東b":                           "a東b",
		"012345678東":                    "012345678\n東", // a wide one is not cut in two
		"e\u0301x":                      "e\u0301x",
		"abc\x1b[2DX":                   "aXc",
		"\x1b[2;3Hx":                    "\n  x",
		"abc\r\ndef\x1b[A\x1b[Kx":       "abcx\ndef",
		"abc\r\ndef\x1b[H\x1b[J":        "",
		"abc\r\ndef\x1b[2J":             "",
		"abc\x1b[1G\x1b[0K":             "",
		"abc\x1b[2D\x1b[1K":             "  c",
		"\x1b[1;31mred\x1b[0m\x1b[?25l": "red",
		"\x1b]0;title\aabc\x1b(B":       "abc",
		"1\r\n2\r\n3\r\n4":              "2\n3\n4",
		"\x1b[99;99Hx\x1b[99A\x1b[99Dy": "y\n\n         x",
	} {
		s := NewScreen(10, 3)
		_, _ = s.Write([]byte(wrote))
		require.Equal(t, want, s.String(), "%q", wrote)
		// Cut anywhere, it shows the same.
		one := NewScreen(10, 3)
		for _, b := range []byte(wrote) {
			_, _ = one.Write([]byte{b})
		}
		require.Equal(t, want, one.String(), "%q, byte by byte", wrote)
	}
}

// What scrolls off is kept, up to a bound; a question about the cursor is answered.
func TestScreenScrolls(t *testing.T) {
	s := NewScreen(10, 3)
	_, _ = s.Write([]byte(strings.Repeat("line\r\n", scrolledMax+10) + "end\x1b[6n"))
	require.Len(t, s.scrolled, scrolledMax)
	require.True(t, strings.HasSuffix(s.All(), "line\nline\nend"))
	require.Equal(t, "\x1b[3;4R", string(s.reply))
	require.Equal(t, "end", s.Line())
}

// An editor reads when it has switched pastes on and the last that it did was to show the
// cursor.
func TestScreenReady(t *testing.T) {
	s := NewScreen(10, 3)
	for _, step := range []struct {
		wrote string
		ready bool
	}{
		{"\x1b[?25h", false}, {"\x1b[?2004h", false}, {"> ", false}, {"\x1b[?25l> \x1b[6n", false}, {"x\x1b[?25h", true},
		{"\x1b[2D", false}, {"\x1b[?25h", true}, {"\x1b[?2004l", false}, {"\x1b[?25h", false},
	} {
		_, _ = s.Write([]byte(step.wrote))
		require.Equal(t, step.ready, s.Ready(), "%q", step.wrote)
	}
}

// Whatever a program writes, the screen stands.
func TestScreenAnything(t *testing.T) {
	part := rapid.SampledFrom([]string{"\x1b", "[", "]", "?25h", "6n", "9", ";", "A", "C", "H", "J", "K", "東", "\xff", "\r", "\n", "\b", "\t", "x", "\u0301", "\x1b[3J"})
	rapid.Check(t, func(t *rapid.T) {
		s := NewScreen(rapid.IntRange(2, 5).Draw(t, "columns"), rapid.IntRange(1, 3).Draw(t, "rows"))
		for _, p := range rapid.SliceOf(part).Draw(t, "parts") {
			_, _ = s.Write([]byte(p))
		}
		_, _ = s.All(), s.Line()
	})
}

func TestClean(t *testing.T) {
	require.Equal(t, "a\n\nb", Clean("\n\na  \n\n\n\nb\t\n\n"))
	require.Empty(t, Clean(" \n"))
}
