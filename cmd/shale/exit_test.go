package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/rpc/wire"
	"github.com/shaledb/shale/shard/routing"
)

// What an error means to a script. A server's errors come as what wire.Public makes of them,
// the own client's as they are: both have to give the same code.
func TestExitCode(t *testing.T) {
	undetermined := &mvcc.UndeterminedError{Cause: errors.New("lost")}
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, exitDone},
		{errors.New("anything else"), exitError},
		{&mvcc.CorruptError{}, exitError},
		{&routing.OverloadedError{}, exitError},
		{&wire.UnimplementedError{}, exitError},
		{&wire.OutcomeUnknownError{Cause: undetermined}, exitError},
		{&statementError{Cause: connect.NewError(connect.CodeInvalidArgument, errors.New("syntax"))}, exitError},
		{usageError("flag"), exitUsage},
		{&mvcc.InvalidError{Reason: mvcc.ReasonKeyEmpty}, exitUsage},
		{&mvcc.FutureError{}, exitUsage},
		{&mvcc.BelowSafepointError{}, exitUsage},
		{&unreachableError{}, exitUnreachable},
		{&routing.UnavailableError{}, exitUnreachable},
		{&mvcc.LockedError{}, exitUnreachable},
		{undetermined, exitUnreachable},
		{context.DeadlineExceeded, exitUnreachable},
		{&wire.NotFoundError{}, exitNotFound},
		{&missingError{}, exitNotFound},
		{fs.ErrNotExist, exitNotFound},
		{&unhealthyError{}, exitUnhealthy},
		{&mvcc.WriteConflictError{}, exitConflict},
		{&mvcc.TxnAbortedError{}, exitConflict},
		{&mvcc.AlreadyExistsError{}, exitConflict},
		{&mvcc.CheckFailedError{}, exitConflict},
		{&mvcc.ExpiredError{}, exitConflict},
		{&mvcc.InvalidError{Reason: mvcc.ReasonKeySystem}, exitNotAllowed},
		{&routing.KeySystemError{}, exitNotAllowed},
		{connect.NewError(connect.CodeUnauthenticated, errors.New("who?")), exitNotAllowed},
		{errInterrupted, exitInterrupted},
		{context.Canceled, exitInterrupted},
	} {
		require.Equal(t, c.code, exitCode(c.err), "%T", c.err)
		if c.err == nil {
			continue
		}
		require.Equal(t, c.code, exitCode(fmt.Errorf("while doing: %w", c.err)), "wrapped %T", c.err)
		switch c.err.(type) {
		case *usage, *statementError, *unreachableError, *missingError, *unhealthyError:
			continue // of this program: no server says them
		}
		if c.err != errInterrupted && c.err != fs.ErrNotExist {
			require.Equal(t, c.code, exitCode(wire.Public(c.err)), "from a server: %T", c.err)
		}
	}
}

// The line has what happened and what to do, each once.
func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		err  error
		line string
	}{
		{&mvcc.AlreadyExistsError{Key: "k"}, "key k exists already; use PUT to replace it"},
		{wire.Public(&mvcc.AlreadyExistsError{Key: "k"}), "ALREADY_EXISTS: key k exists already; use PUT to replace it"},
		{errors.New("two\nlines"), "two lines"},
		{fmt.Errorf("split: %w", connect.NewError(connect.CodeUnavailable, errors.New("NO: later"))), "split: NO: later"},
		{usageError("wrong"), "wrong"},
	} {
		require.Equal(t, c.line, describe(c.err))
	}
}
