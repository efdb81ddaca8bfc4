package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/timestamp"
)

func handles() []Handle {
	longest := mvcc.Key(strings.Repeat("k", mvcc.MaxKeySize))
	return []Handle{
		{ID: 5, ReadTS: 5, ClusterID: "c"},
		{ID: 5, ReadTS: 9, ClusterID: strings.Repeat("c", 255), ReadOnly: true},
		{ID: timestamp.Max - 1, ReadTS: 1, ClusterID: "c", Serializable: true, Fixed: true},
		{ID: 5, ReadTS: 5, ClusterID: "c", Pessimistic: true},
		{ID: 5, ReadTS: 9, ClusterID: "c", Pessimistic: true, Fixed: true, Serializable: true,
			Primary: "a", Claims: []mvcc.Key{"a", "b\x00", longest}},
		{ID: 5, ReadTS: 9, ClusterID: "", Pessimistic: true, Primary: longest},
	}
}

func TestHandleGoesThereAndBack(t *testing.T) {
	for _, h := range handles() {
		got, err := DecodeHandle(over(t, EncodeHandle(&h), &shalev1.Txn{}), h.ClusterID, false)
		require.NoError(t, err)
		require.Equal(t, &h, got)
	}
	got, err := DecodeHandle(nil, "c", false)
	require.NoError(t, err)
	require.Nil(t, got)
	bare, err := DecodeHandle(&shalev1.Txn{Id: 5}, "c", true)
	require.NoError(t, err)
	require.Equal(t, &Handle{ID: 5, ClusterID: "c", Bare: true}, bare)
}

// However much a transaction claims, its handle stays small. What is left out is freed by
// those who meet it.
func TestClaimsInAHandleAreBounded(t *testing.T) {
	many := func(n, size int) (keys []mvcc.Key) {
		for i := range n {
			keys = append(keys, mvcc.Key(fmt.Sprintf("%0*d", size, i)))
		}
		return keys
	}
	for _, c := range []struct{ claims, size, listed int }{
		{64, 5, 64}, {65, 5, 64}, {1 << 16, 5, 64}, {64, 128, 64}, {64, 129, 63}, {3, mvcc.MaxKeySize, 2},
	} {
		h := &Handle{ID: 5, ReadTS: 5, ClusterID: "c", Pessimistic: true, Primary: "p", Claims: many(c.claims, c.size)}
		m := EncodeHandle(h)
		require.Less(t, len(m.State), 9<<10)
		got, err := DecodeHandle(m, "c", false)
		require.NoError(t, err)
		require.Equal(t, h.Claims[:c.listed], got.Claims)
		require.Equal(t, mvcc.Key("p"), got.Primary)
	}
}

// P33: a handle's keys are part of the request that carries it.
func TestHandleKeys(t *testing.T) {
	for _, h := range handles() {
		keys, err := HandleKeys(EncodeHandle(&h))
		require.NoError(t, err)
		if h.Primary == "" {
			require.Empty(t, keys)
			continue
		}
		require.Equal(t, append([]mvcc.Key{h.Primary}, h.Claims...), keys)
	}
	for _, m := range []*shalev1.Txn{nil, {Id: 5}} {
		keys, err := HandleKeys(m)
		require.NoError(t, err)
		require.Empty(t, keys)
	}
	_, err := HandleKeys(&shalev1.Txn{Id: 5, ReadTimestamp: 5, State: []byte("not one of ours")})
	require.Equal(t, "TXN_MALFORMED", reason(err), "nor is it waved through")
}

// Every single flipped bit of a handle is found, whichever field it lies in.
func TestTamperedHandleIsRefused(t *testing.T) {
	fresh := func() *shalev1.Txn {
		return EncodeHandle(&Handle{ID: 5 << 18, ReadTS: 7 << 18, ClusterID: "cluster", Pessimistic: true,
			Primary: "a", Claims: []mvcc.Key{"a", "b"}})
	}
	refused := func(m *shalev1.Txn, what string, at int) {
		_, err := DecodeHandle(m, "cluster", false)
		require.Equal(t, "TXN_MALFORMED", reason(err), "%s %d", what, at)
	}
	for bit := range 64 {
		m := fresh()
		m.Id ^= 1 << bit
		refused(m, "id", bit)
		m = fresh()
		m.ReadTimestamp ^= 1 << bit
		refused(m, "read timestamp", bit)
	}
	for i := range 8 * len(fresh().State) {
		m := fresh()
		m.State[i/8] ^= 1 << (i % 8)
		refused(m, "state bit", i)
	}
	for n := range fresh().State {
		m := fresh()
		m.State = m.State[:n]
		refused(m, "cut at", n)
	}
	_, err := DecodeHandle(fresh(), "other", false)
	require.Equal(t, "TXN_MALFORMED", reason(err))
	require.ErrorContains(t, err, `it is of cluster "cluster"`)
	_, err = DecodeHandle(&shalev1.Txn{Id: 5}, "cluster", false)
	require.Equal(t, "TXN_MALFORMED", reason(err), "the id alone is for Outcome and Rollback")
	_, err = DecodeHandle(&shalev1.Txn{}, "cluster", true)
	require.Equal(t, "TXN_MALFORMED", reason(err), "no id")
}

// sealed is a handle of the given body with a right checksum, as somebody might forge it.
func sealed(body []byte) *shalev1.Txn {
	state := binary.BigEndian.AppendUint32(append([]byte(nil), body...), handleChecksum(5, 5, body))
	return &shalev1.Txn{Id: 5, ReadTimestamp: 5, State: state}
}

// A handle of the release before says so: it was no mistake of the client's.
func TestHandleOfAnotherVersionSaysSo(t *testing.T) {
	_, err := DecodeHandle(sealed([]byte("\x01\x04\x01c")), "c", false)
	require.Equal(t, "TXN_MALFORMED", reason(err))
	require.ErrorContains(t, err, "version 1")
	require.Contains(t, Detail(Public(err)).GetHint(), "begin the transaction again")
}

func TestForgedHandleIsRefused(t *testing.T) {
	longest := string(binary.AppendUvarint(nil, mvcc.MaxKeySize)) + strings.Repeat("k", mvcc.MaxKeySize)
	for name, body := range map[string]string{
		"unknown flag":                "\x02\x10\x01c",
		"cluster's id cut off":        "\x02\x00\x05c",
		"more than it needs":          "\x02\x00\x01cc",
		"no claims":                   "\x02\x08\x01c",
		"claims without a primary":    "\x02\x08\x01c\x00\x01\x01a",
		"an empty claim":              "\x02\x08\x01c\x01a\x01\x00",
		"fewer claims than it says":   "\x02\x08\x01c\x01a\x02\x01a",
		"more claims than it says":    "\x02\x08\x01c\x01a\x00\x01a",
		"a huge number of claims":     "\x02\x08\x01c\x01a\xff\xff\xff\xff\x0f",
		"too many claims":             "\x02\x08\x01c\x01a\x41" + strings.Repeat("\x01a", 65),
		"too many bytes of claims":    "\x02\x08\x01c\x01a\x03" + longest + longest + longest,
		"a primary that is too long":  "\x02\x08\x01c\x81\x20" + strings.Repeat("k", mvcc.MaxKeySize+1) + "\x00",
		"read-only and with claims":   "\x02\x09\x01c\x01a\x00",
		"claims of an optimistic one": "\x02\x00\x01c\x01a\x00",
	} {
		_, err := DecodeHandle(sealed([]byte(body)), "c", false)
		require.Equal(t, "TXN_MALFORMED", reason(err), name)
	}
	_, err := DecodeHandle(sealed([]byte("\x02\x08\x01c\x01a\x02\x01a\x01b")), "c", false)
	require.NoError(t, err, "the others are wrong in what their names say")
}

func FuzzHandle(f *testing.F) {
	for _, h := range handles() {
		state := EncodeHandle(&h).State
		f.Add(state[:len(state)-handleSum])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := openHandle(sealed(body))
		if err != nil || h.Bare {
			return
		}
		again, err := DecodeHandle(EncodeHandle(h), h.ClusterID, false)
		require.NoError(t, err)
		require.Equal(t, h, again)
	})
}
