package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/bench"
)

func TestTableTakesMediansOfRatios(t *testing.T) {
	var file bytes.Buffer
	for round, rates := range [][2]float64{{100, 200}, {50, 200}, {200, 200}} {
		for i, store := range []string{"etcd", "shale"} {
			report := &bench.Report{OpsPerSec: rates[i], Kinds: []bench.KindReport{{Kind: "put", P50: 1, P99: 2}}}
			require.NoError(t, json.NewEncoder(&file).Encode(Result{store, "put", 32, round, report}))
		}
	}
	results, err := readResults(&file)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, writeTable(results, &out))
	require.Equal(t, `| work | threads | etcd ops/s | p50 / p99 ms | shale ops/s | p50 / p99 ms | × etcd |
|---|---|---|---|---|---|---|
| put | 32 | 100 | 1.0 / 2.0 | 200 | 1.0 / 2.0 | 2.00 |
`, out.String())
}
