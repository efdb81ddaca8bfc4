package ptytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Console is a program on a terminal of its own.
type Console struct {
	cmd    *exec.Cmd
	master *os.File
	ended  chan struct{} // the program has
	code   int

	mu      sync.Mutex
	screen  *Screen
	changed chan struct{} // closed when the screen has changed
}

// Start runs a program on a new terminal. Close ends it.
func Start(cmd *exec.Cmd, columns, rows int) (*Console, error) {
	master, slave, err := open(columns, rows)
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	c := &Console{cmd: cmd, master: master, ended: make(chan struct{}), screen: NewScreen(columns, rows), changed: make(chan struct{})}
	go c.follow()
	return c, nil
}

// open makes a terminal of a size.
func open(columns, rows int) (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, master.Close())
		}
	}()
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, fmt.Errorf("unlock the terminal: %w", err)
	}
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, fmt.Errorf("the terminal's number: %w", err)
	}
	if slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	size := &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size); err != nil {
		return nil, nil, errors.Join(err, slave.Close())
	}
	return master, slave, nil
}

// follow shows what the program writes, until nobody holds the terminal any more.
func (c *Console) follow() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.master.Read(buffer)
		c.mu.Lock()
		_, _ = c.screen.Write(buffer[:n]) // it never fails
		reply := c.screen.reply
		c.screen.reply = nil
		c.wake()
		c.mu.Unlock()
		if len(reply) > 0 {
			_, _ = c.master.Write(reply) // a program that has ended asks no more
		}
		if err != nil {
			break
		}
	}
	err := c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code = c.cmd.ProcessState.ExitCode()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.code = -1
	}
	close(c.ended)
	c.wake()
}

func (c *Console) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Send sends keys, whatever the program is doing.
func (c *Console) Send(keys string) error {
	_, err := c.master.WriteString(keys)
	return err
}

// WaitError: what was waited for did not come.
type WaitError struct {
	What   string
	Screen string
	Cause  error
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("waited for %s: %v; the screen:\n%s", e.What, e.Cause, e.Screen)
}

func (e *WaitError) Unwrap() error { return e.Cause }

// errEnded: a program that has ended writes nothing more.
var errEnded = errors.New("the program has ended")

// Wait waits until the screen fulfils a condition.
func (c *Console) Wait(ctx context.Context, what string, fulfilled func(*Screen) bool) error {
	for {
		c.mu.Lock()
		done, changed, shown := fulfilled(c.screen), c.changed, c.screen.All()
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-c.ended:
			// It may have written the last of it after the screen was looked at.
			c.mu.Lock()
			done, shown = fulfilled(c.screen), c.screen.All()
			c.mu.Unlock()
			if done {
				return nil
			}
			return &WaitError{What: what, Screen: shown, Cause: errEnded}
		case <-changed:
		case <-ctx.Done():
			return &WaitError{What: what, Screen: shown, Cause: context.Cause(ctx)}
		}
	}
}

// Exit waits until the program has ended, and answers its exit code.
func (c *Console) Exit(ctx context.Context) (int, error) {
	select {
	case <-c.ended:
		return c.code, nil
	case <-ctx.Done():
		return 0, &WaitError{What: "the program's end", Screen: c.All(), Cause: context.Cause(ctx)}
	}
}

// All is the whole transcript so far.
func (c *Console) All() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.All()
}

// Window is what the window shows.
func (c *Console) Window() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

// Cooked says whether the terminal is as a program that edits nothing wants it: it shows what
// is typed, and hands it over line by line.
func (c *Console) Cooked() (bool, error) {
	state, err := unix.IoctlGetTermios(int(c.master.Fd()), unix.TCGETS)
	if err != nil {
		return false, err
	}
	return state.Lflag&unix.ECHO != 0 && state.Lflag&unix.ICANON != 0 && state.Iflag&unix.ICRNL != 0, nil
}

// Signal sends one to the program.
func (c *Console) Signal(s os.Signal) error { return c.cmd.Process.Signal(s) }

// Close kills the program, if it runs, and waits for its end.
func (c *Console) Close() error {
	_ = c.cmd.Process.Kill() // it may have ended
	err := c.master.Close()
	<-c.ended
	return err
}
