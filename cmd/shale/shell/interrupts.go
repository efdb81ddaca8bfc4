package shell

import (
	"context"
	"os"
	"os/signal"
)

// interrupts are a terminal's Ctrl-C while a statement runs. The program's own handler, which
// ends the program, hears none of them as long as the shell has them.
type interrupts struct{ signals chan os.Signal }

func takeInterrupts() *interrupts {
	i := &interrupts{signals: make(chan os.Signal, 1)}
	signal.Reset(os.Interrupt)
	signal.Notify(i.signals, os.Interrupt)
	return i
}

// giveBack lets the next interrupt kill: the shell is at its end.
func (i *interrupts) giveBack() {
	if i != nil {
		signal.Stop(i.signals)
	}
}

// came delivers interrupts; a nil one never does.
func (i *interrupts) came() <-chan os.Signal {
	if i == nil {
		return nil
	}
	return i.signals
}

// interruptible runs one statement, which an interrupt ends. One that came before does not.
func (s *Shell) interruptible(ctx context.Context, f func(context.Context) (bool, error)) (bool, error) {
	if s.ctrlC == nil {
		return f(ctx)
	}
	select {
	case <-s.ctrlC.signals:
	default:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-s.ctrlC.signals:
			cancel(ErrInterrupted)
		case <-done:
		}
	}()
	leave, err := f(ctx)
	close(done)
	<-watched
	if err != nil {
		err = why(ctx, err)
	}
	return leave, err
}
