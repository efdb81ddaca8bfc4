package shell

import (
	"errors"
	"fmt"
)

// MistakeError: what was typed to the shell itself is wrong: a command, its arguments, the
// words about keys.
type MistakeError struct{ What string }

func (e *MistakeError) Error() string { return e.What }

func mistake(format string, args ...any) error {
	return &MistakeError{What: fmt.Sprintf(format, args...)}
}

// ReadOnlyError: a write before .write on.
type ReadOnlyError struct{ What string }

func (e *ReadOnlyError) Error() string {
	return e.What + ": this shell does not write yet; .write on lets it"
}

// ErrInterrupted: the user left with an interrupt, or a script was interrupted.
var ErrInterrupted = errors.New("interrupted")

// ErrTimeout is the cause of a statement's end when its time is up.
var ErrTimeout = errors.New("the statement's time is up; --timeout allows more")

// ErrNoStatement: there was nothing to run.
var ErrNoStatement = errors.New("there is no statement: give one with -e, or a file with -f")

// PlaceError says where in a script a statement failed.
type PlaceError struct {
	Place string // FILE:LINE
	Cause error
}

func (e *PlaceError) Error() string { return e.Place + ": " + e.Cause.Error() }

func (e *PlaceError) Unwrap() error { return e.Cause }

// Caret is the picture that points at a syntax error's place, if err has one.
func Caret(err error) string {
	var pointed interface {
		error
		Caret() string
	}
	if errors.As(err, &pointed) {
		return pointed.Caret()
	}
	return ""
}
