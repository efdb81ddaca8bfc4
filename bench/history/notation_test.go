package history

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseOps(t *testing.T) {
	ops, err := ParseOps(" x=[1 2]  y=[] x+3 z*-4")
	require.NoError(t, err)
	require.Equal(t, []Op{{Do: Read, Key: "x", List: []int64{1, 2}}, {Do: Read, Key: "y"},
		{Do: Append, Key: "x", Value: 3}, {Do: AtomicAppend, Key: "z", Value: -4}}, ops)
	for _, bad := range []string{"x", "x+", "x?1", "x+one", "x=[1 two]", "=+"} {
		_, err := ParseOps(bad)
		require.Error(t, err, bad)
	}
}
