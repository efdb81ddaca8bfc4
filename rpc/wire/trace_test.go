package wire

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// TestTrace: a call's trace crosses, and what is none is left out, as an old node would.
func TestTrace(t *testing.T) {
	for _, sent := range []*routing.Trace{nil, {ID: [16]byte{1, 15: 2}, Span: [8]byte{3, 7: 4}, Flags: 1}} {
		m, err := EncodeCall(1, routing.Header{Shard: 4, Trace: sent}, &mvcc.OutcomeArgs{Start: 1, Primary: "k"})
		require.NoError(t, err)
		hd, _, err := DecodeCall(m)
		require.NoError(t, err)
		require.Equal(t, sent, hd.Trace)
	}
	require.Nil(t, decodeTrace([]byte("short")))
	require.Nil(t, decodeTrace(make([]byte, traceSize+1)))
}
