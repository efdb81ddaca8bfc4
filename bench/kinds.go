package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// NotFoundError: a record that was loaded is not there.
type NotFoundError struct{ Key mvcc.Key }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no record at %s", mvcc.FormatKey(e.Key))
}

// The kinds of errors that are part of the work where transactions meet.
const (
	kindAborted  = "aborted"
	kindDeadlock = "deadlock"
)

// errorKind names an error as the report counts it: by what it means for its receiver.
// Undetermined comes first: whatever caused it, the outcome is what is not known.
func errorKind(err error) string {
	switch {
	case isA[*mvcc.UndeterminedError](err):
		return "undetermined"
	case isA[*mvcc.WriteConflictError](err), isA[*mvcc.TxnAbortedError](err):
		return kindAborted
	case isA[*mvcc.DeadlockError](err):
		return kindDeadlock
	case isA[*mvcc.LockedError](err):
		return "locked"
	case isA[*routing.OverloadedError](err):
		return "overloaded"
	case isA[*routing.UnavailableError](err), isA[*routing.NotLeaderError](err):
		return "unavailable"
	case isA[*NotFoundError](err):
		return "not found"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
}

// definite says that the transaction did not commit and never will.
func definite(err error) bool {
	if isA[*mvcc.UndeterminedError](err) {
		return false
	}
	return isA[*mvcc.WriteConflictError](err) || isA[*mvcc.TxnAbortedError](err) || isA[*mvcc.DeadlockError](err) ||
		isA[*mvcc.AlreadyExistsError](err) || isA[*mvcc.CheckFailedError](err) || isA[*mvcc.AtomicError](err)
}

// open says that the outcome of a Commit is not known, and that it may be asked for.
func open(err error) bool {
	return isA[*mvcc.UndeterminedError](err) || !definite(err) && (isA[*routing.UnavailableError](err) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}

// lasting says that waiting will not help.
func lasting(err error) bool {
	return isA[*BrokenError](err) || isA[*mvcc.InvalidError](err) || isA[*mvcc.CorruptError](err)
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
