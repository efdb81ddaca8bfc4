package host

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard"
	"github.com/shaledb/shale/shard/routing"
)

func job(req routing.Request) readJob {
	return readJob{read: shard.Read{Request: shard.Request{Req: req}}}
}

// Who looks inside waits for clients' reads, but not for ever, and one of them is served at a time.
func TestClientsGoFirst(t *testing.T) {
	r := newReaders(&Host{}, 4)
	look, get := job(&mvcc.VersionsArgs{}), job(&mvcc.GetArgs{})
	r.put(look)
	r.put(look)
	for range 3 * lookTurn {
		r.put(get)
	}
	before := 0
	for {
		_, looks, ok := r.next()
		require.True(t, ok)
		if looks {
			break
		}
		before++
	}
	require.Equal(t, lookTurn, before)
	for range 2 * lookTurn { // while that one is being done, no other is begun
		_, looks, ok := r.next()
		require.True(t, ok)
		require.False(t, looks)
	}
	r.looked(0, 0)
	_, looks, ok := r.next()
	require.True(t, ok)
	require.True(t, looks)
	r.looked(0, 0)
	go r.stop()
	_, _, ok = r.next()
	require.False(t, ok)
}

// On a node that clients keep busy the next one waits nine times as long as the last one took.
func TestLooksPauseWhereClientsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReaders(&Host{}, 1)
		for took, pause := range map[time.Duration]time.Duration{10 * time.Millisecond: 90 * time.Millisecond, time.Second: lookPauseMax} {
			r.put(job(&mvcc.RecordsArgs{}))
			_, looks, _ := r.next()
			require.True(t, looks)
			r.put(job(&mvcc.RecordsArgs{}))
			begin := time.Now()
			r.looked(took, 1000)
			_, looks, _ = r.next()
			require.True(t, looks)
			require.Equal(t, pause, time.Since(begin))
			r.looked(took, 1) // nobody else asks anything: no pause
			require.False(t, r.looks)
		}
	})
}
