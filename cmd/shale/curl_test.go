package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// post does what curl does: one HTTP/1.1 request with JSON in and out.
func post(t *testing.T, host, method, body string) (status int, answer map[string]any) {
	t.Helper()
	res, err := http.Post("http://"+host+"/shale.v1.TxnService/"+method, "application/json", bytes.NewBufferString(body))
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	t.Logf("%s %s → %d %s", method, body, res.StatusCode, raw)
	require.NoError(t, json.Unmarshal(raw, &answer), string(raw))
	return res.StatusCode, answer
}

func compact(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

// One transaction over three nodes, none of which keeps a session; and its Commit sent
// again to another node answers the same (P1).
func testCurl(t *testing.T, c *demoCluster) {
	hosts := c.addresses()
	status, begun := post(t, hosts[0], "Begin", `{}`)
	require.Equal(t, http.StatusOK, status)
	handle := compact(t, begun["txn"])

	// city/basel in one shard, zebra in another.
	status, got := post(t, hosts[1], "Get", `{"txn":`+handle+`,"keys":["Y2l0eS9iYXNlbA==","emVicmE="]}`)
	require.Equal(t, http.StatusOK, status)
	entries := got["entries"].([]any)
	require.Equal(t, "cG9wdWxhdGlvbiAxNzcwMDA=", entries[0].(map[string]any)["value"])
	require.NotContains(t, entries[1], "found")
	if next := got["txn"]; next != nil {
		handle = compact(t, next)
	}

	commit := `{"txn":` + handle + `,"mutations":[{"op":"OP_PUT","key":"Y2l0eS9iYXNlbA==","value":"MQ=="},` +
		`{"op":"OP_PUT","key":"emVicmE=","value":"Mg=="}]}`
	status, committed := post(t, hosts[2], "Commit", commit)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, committed["commitTimestamp"])
	for _, host := range hosts {
		status, again := post(t, host, "Commit", commit)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, committed["commitTimestamp"], again["commitTimestamp"])
	}
	status, outcome := post(t, hosts[1], "Outcome", `{"txn":`+compact(t, map[string]any{"id": begun["txn"].(map[string]any)["id"]})+
		`,"primary":"Y2l0eS9iYXNlbA=="}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "STATE_COMMITTED", outcome["state"])
	require.Equal(t, committed["commitTimestamp"], outcome["commitTimestamp"])

	// Other content under the same id is the caller's mistake; what is too late is aborted.
	// The message begins with the reason.
	other := `{"txn":` + handle + `,"mutations":[{"op":"OP_PUT","key":"emVicmE=","value":"Mw=="}]}`
	status, refused := post(t, hosts[0], "Commit", other)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "invalid_argument", refused["code"])
	require.Contains(t, refused["message"], "CONTENT_MISMATCH: ")

	_, late := post(t, hosts[0], "Begin", `{}`)
	shale(t, "kv", "put", "zebra", "three").done(t)
	status, refused = post(t, hosts[1], "Commit",
		`{"txn":`+compact(t, late["txn"])+`,"mutations":[{"op":"OP_PUT","key":"emVicmE=","value":"Mw=="}]}`)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "aborted", refused["code"])
	require.Contains(t, refused["message"], "WRITE_CONFLICT: ")
	require.Equal(t, "three\n", shale(t, "kv", "get", "zebra").done(t))
}
