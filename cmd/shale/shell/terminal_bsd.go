//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package shell

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// terminalState remembers how the terminal is set.
func terminalState(in io.Reader) terminalMode {
	f, ok := in.(*os.File)
	if !ok {
		return terminalMode{}
	}
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TIOCGETA)
	if err != nil {
		return terminalMode{}
	}
	return terminalMode{fd: int(f.Fd()), state: state}
}

func setTerminal(fd int, state *unix.Termios) error {
	return unix.IoctlSetTermios(fd, unix.TIOCSETA, state)
}
