package mvcc_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
)

func TestFormatKey(t *testing.T) {
	for text, k := range map[string]mvcc.Key{
		"plain":         "plain",
		`\x00system`:    "\x00system",
		`with "quotes"`: `with "quotes"`,
		`back\\slash`:   `back\slash`,
		`\\"`:           `\"`,
		`line\nbreak`:   "line\nbreak",
		"straße":        "straße",
		`bad\xffutf`:    "bad\xffutf",
		"'single'":      "'single'",
	} {
		require.Equal(t, text, mvcc.FormatKey(k))
		back, err := mvcc.ParseKey(text)
		require.NoError(t, err)
		require.Equal(t, k, back)
	}
	_, err := mvcc.ParseKey(`bad \x0`)
	var invalid *mvcc.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "KEY_SYNTAX", invalid.Reason)
}

// FuzzFormatKey: what is printed can be typed, for every key; and what was typed prints as
// something that is the same key.
func FuzzFormatKey(f *testing.F) {
	for _, seed := range []string{"a", `\`, `\\`, `"`, `\"`, "\x00", "\xff", "é\n", `\x00`, "'", "\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		back, err := mvcc.ParseKey(mvcc.FormatKey(mvcc.Key(s)))
		require.NoError(t, err)
		require.Equal(t, mvcc.Key(s), back)

		typed, err := mvcc.ParseKey(s)
		if err != nil {
			return
		}
		again, err := mvcc.ParseKey(mvcc.FormatKey(typed))
		require.NoError(t, err)
		require.Equal(t, typed, again)
	})
}

// One pass writes what strconv.Quote does between its quotes, but for the quotes themselves.
func TestFormatIsQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		quoted := strconv.Quote(strings.ReplaceAll(s, `"`, "'"))
		want := quoted[1 : len(quoted)-1]
		got := strings.ReplaceAll(mvcc.FormatKey(mvcc.Key(s)), `"`, "'")
		if got != want {
			t.Fatalf("%q: %s, not %s", s, got, want)
		}
	})
}
