package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"connectrpc.com/connect"

	"github.com/shaledb/shale/cmd/shale/shell"
	"github.com/shaledb/shale/cmd/shale/tables"
	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/rpc/wire"
)

// The exit codes, as scripts know them from the contract.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitNotFound    = 4
	exitUnhealthy   = 5
	exitConflict    = 6
	exitNotAllowed  = 7
	exitInterrupted = 130
)

// usage is a mistake in the command line.
type usage struct{ What string }

func (e *usage) Error() string { return e.What }

func usageError(format string, args ...any) error { return &usage{What: fmt.Sprintf(format, args...)} }

// statementError: a statement, not the command line, is wrong.
type statementError struct{ Cause error }

func (e *statementError) Error() string { return message(e.Cause) }

func (e *statementError) Unwrap() error { return e.Cause }

// unhealthyError: the cluster answers, and says that something is wrong.
type unhealthyError struct{ Problems []string }

func (e *unhealthyError) Error() string { return "unhealthy: " + strings.Join(e.Problems, "; ") }

// missingError: keys that were asked for are not there.
type missingError struct{ What string }

func (e *missingError) Error() string { return e.What }

// errInterrupted: the user ended a prompt with an interrupt.
var errInterrupted = errors.New("interrupted")

func isInterrupt(err error) bool {
	return errors.Is(err, errInterrupted) || errors.Is(err, shell.ErrInterrupted)
}

// shellCode is the code for what the shell and its tables say, if err is theirs.
func shellCode(err error) (code int, ok bool) {
	var (
		mistake  *shell.MistakeError
		readOnly *shell.ReadOnlyError
		refused  *virtual.RefusedError
		noNode   *tables.NoNodeError
	)
	switch {
	case errors.As(err, &mistake), errors.Is(err, shell.ErrNoStatement):
		return exitUsage, true
	case errors.As(err, &readOnly), errors.As(err, &refused):
		return exitNotAllowed, true
	case errors.As(err, &noNode):
		return exitNotFound, true
	case errors.Is(err, shell.ErrTimeout):
		return exitUnreachable, true
	}
	return 0, false
}

// exitCode is the one place where an error becomes a code.
func exitCode(err error) int {
	var (
		use       *usage
		statement *statementError
		unhealthy *unhealthyError
		missing   *missingError
		away      *unreachableError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &use):
		return exitUsage
	case isInterrupt(err), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &unhealthy):
		return exitUnhealthy
	case errors.As(err, &away):
		return exitUnreachable
	case errors.As(err, &missing), errors.Is(err, fs.ErrNotExist):
		return exitNotFound
	}
	if code, ok := shellCode(err); ok {
		return code
	}
	switch code := wire.Public(err).Code(); code {
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return exitUnreachable
	case connect.CodeNotFound:
		return exitNotFound
	case connect.CodeAborted, connect.CodeAlreadyExists, connect.CodeFailedPrecondition:
		return exitConflict
	case connect.CodePermissionDenied, connect.CodeUnauthenticated:
		return exitNotAllowed
	case connect.CodeInvalidArgument, connect.CodeOutOfRange:
		if !errors.As(err, &statement) {
			return exitUsage
		}
	case connect.CodeCanceled:
		return exitInterrupted
	}
	return exitError
}

// describe is the line that the user reads: what happened, then what to do about it.
func describe(err error) string {
	if err == nil {
		return ""
	}
	line := message(err)
	hint := wire.Detail(wire.Public(err)).GetHint()
	if wire.Public(err).Code() != connect.CodeInternal && !strings.Contains(line, hint) {
		line += "; " + hint
	}
	return strings.Join(strings.Fields(line), " ")
}

// message leaves out the code that connect puts before what a server said.
func message(err error) string {
	var said *connect.Error
	if !errors.As(err, &said) {
		return err.Error()
	}
	return strings.Replace(err.Error(), said.Error(), said.Message(), 1)
}
