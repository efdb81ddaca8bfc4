package txn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// Close lets a task finish what it has under way, wakes the sleeping ones, and takes no more.
func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	g := NewGoroutines()
	started, sleeping, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	finished := false
	var slept error
	g.Spawn("sleeps", func(ctx context.Context) {
		close(sleeping)
		slept = g.Sleep(ctx, 1<<40)
		close(finish)
	})
	g.Spawn("settles", func(ctx context.Context) {
		close(started)
		<-finish
		finished = ctx.Err() == nil
	})
	<-started
	<-sleeping
	g.Close()
	require.True(t, finished)
	require.ErrorIs(t, slept, errClosing)
	g.Spawn("late", func(context.Context) { t.Error("it ran") })
	g.Close()
}
