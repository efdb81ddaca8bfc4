package mvcc_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
)

// TestSpans holds the arithmetic of spans against asking key by key. The bounds are drawn
// from the keys themselves, so that they meet, and "" is both ends of everything.
func TestSpans(t *testing.T) {
	keys := []mvcc.Key{"\x01", "a", "a\x00", "b", "c", "c\x00", "\xff"}
	bound := rapid.SampledFrom(append(slices.Clone(keys), ""))
	rapid.Check(t, func(t *rapid.T) {
		a := mvcc.Span{Start: bound.Draw(t, "start"), End: bound.Draw(t, "end")}
		b := mvcc.Span{Start: bound.Draw(t, "start"), End: bound.Draw(t, "end")}
		clip := a.Clip(b)
		for _, k := range keys {
			require.Equal(t, a.Contains(k) && b.Contains(k), clip.Contains(k), "%q in %q of %q", k, b, a)
			if a.Empty() {
				require.False(t, a.Contains(k))
			}
			if a.Covers(b) && b.Contains(k) {
				require.True(t, a.Contains(k), "%q in %q, which %q covers", k, b, a)
			}
		}
		if !b.Empty() && !a.Covers(b) {
			require.NotEqual(t, b, clip, "what is not covered is clipped")
		}
	})
	require.True(t, mvcc.KeySpan("a").Contains("a"))
	require.False(t, mvcc.KeySpan("a").Contains("a\x00"))
}
