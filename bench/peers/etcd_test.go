package main

import (
	"context"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/shaledb/shale/bench"
	"github.com/shaledb/shale/mvcc"
)

// startEtcd runs one real etcd in this process, on a free port.
func startEtcd(t *testing.T) bench.Store {
	t.Helper()
	c := embed.NewConfig()
	c.Dir, c.LogLevel = t.TempDir(), "panic"
	free := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{free}, []url.URL{free}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{free}, []url.URL{free}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	server, err := embed.StartEtcd(c)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		t.Fatal("etcd does not start")
	}
	s, closeStore, err := openEtcd([]string{server.Clients[0].Addr().String()})
	require.NoError(t, err)
	t.Cleanup(closeStore)
	return s
}

// Every workload runs and verifies on etcd: the adapter keeps what bench.Store promises.
func TestWorkloadsOnEtcd(t *testing.T) {
	s := startEtcd(t)
	p := bench.Properties{"recordcount": "300", "fieldlength": "10"}
	for _, name := range []string{"put", "get", "scan50", "a", "d", "e", "f", "transfer2"} {
		t.Run(name, func(t *testing.T) {
			w, err := newWorkload(name, p)
			require.NoError(t, err)
			report, err := bench.Run(t.Context(), s, w, bench.Options{Threads: 8, Operations: 300, Seed: 1, Quiet: true}, io.Discard)
			require.NoError(t, err)
			require.Empty(t, report.Errors)
			require.Equal(t, int64(300), report.Operations)
		})
	}
	t.Run("bank", func(t *testing.T) {
		w, err := bench.New("bank", bench.Properties{"accounts": "10"})
		require.NoError(t, err)
		report, err := bench.Run(t.Context(), s, w, bench.Options{Threads: 8, Operations: 500, Seed: 1, Quiet: true}, io.Discard)
		require.NoError(t, err)
		require.Positive(t, report.Retries, "ten accounts and eight threads collide")
	})
}

// A scan of more than one page is of one moment.
func TestScanPagesAreOfOneMoment(t *testing.T) {
	s, ctx := startEtcd(t), context.Background()
	const rows = scanPage + 10
	for i := range rows {
		require.NoError(t, s.Put(ctx, mvcc.Key("k")+mvcc.Key(rune('0'+i)), []byte("old")))
	}
	n := 0
	for e, err := range s.Scan(ctx, "", "", 0) {
		require.NoError(t, err)
		require.Equal(t, "old", string(e.Value))
		if n == 0 { // the second page is not read yet
			require.NoError(t, s.Put(ctx, mvcc.Key("k")+mvcc.Key(rune('0'+rows-1)), []byte("new")))
		}
		n++
	}
	require.Equal(t, rows, n)
}
