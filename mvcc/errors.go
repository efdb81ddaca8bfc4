package mvcc

import (
	"fmt"
	"strings"

	"github.com/shaledb/shale/timestamp"
)

// The errors, grouped by what their receiver must do.

// WriteConflictError: restart the transaction. A version, mark or lock newer than its start
// stands on a key that it writes or checks.
type WriteConflictError struct {
	Key        Key
	StartTS    timestamp.Timestamp
	ConflictTS timestamp.Timestamp // commit timestamp, or the lock's lower bound of it
	// Final: it is a version or mark, so that no copy of this Commit can ever get through.
	// Otherwise it is a lock, which may go again: before "aborted" is answered, the abort must
	// be recorded at the primary (S7).
	Final bool
}

func (e *WriteConflictError) Error() string {
	return fmt.Sprintf("write conflict on %s: the transaction began at %s, but a write at %s is newer",
		FormatKey(e.Key), e.StartTS, e.ConflictTS)
}

// TxnAbortedError: restart the transaction. It was rolled back: it lost its locks, they
// expired, or somebody asked for it.
type TxnAbortedError struct {
	StartTS timestamp.Timestamp
	Key     Key
}

func (e *TxnAbortedError) Error() string {
	return fmt.Sprintf("transaction %s was rolled back (found at %s)", e.StartTS, FormatKey(e.Key))
}

// DeadlockError: restart the transaction. Its wait would have closed a cycle of transactions
// that wait for each other. Cycle begins with its own wait.
type DeadlockError struct {
	StartTS timestamp.Timestamp
	Key     Key
	Cycle   []WaitEdge
}

func (e *DeadlockError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transaction %s would deadlock on %s", e.StartTS, FormatKey(e.Key))
	for i, w := range e.Cycle {
		sep := ": "
		if i > 0 {
			sep = "; "
		}
		fmt.Fprintf(&b, "%s%s waits for %s, which %s holds", sep, w.Waiter, FormatKey(w.Key), w.Holder)
	}
	return b.String()
}

// AtomicError: the caller decides. An atomic operation cannot be done on what the key holds.
type AtomicError struct {
	Key  Key
	Op   MutationOp
	What string
}

func (e *AtomicError) Error() string {
	return fmt.Sprintf("%s on key %s: %s", e.Op, FormatKey(e.Key), e.What)
}

// LockedError: resolve the lock through its primary, then send the same request again.
type LockedError struct{ Lock Lock }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is locked by transaction %s", FormatKey(e.Lock.Key), e.Lock.StartTS)
}

// AlreadyExistsError: an INSERT met a present key. The caller decides.
type AlreadyExistsError struct{ Key Key }

func (e *AlreadyExistsError) Error() string {
	return fmt.Sprintf("key %s exists already", FormatKey(e.Key))
}

// CheckFailedError: a check did not hold. The caller decides.
type CheckFailedError struct {
	Key Key
	Op  MutationOp
}

func (e *CheckFailedError) Error() string {
	return fmt.Sprintf("check %s on key %s does not hold", e.Op, FormatKey(e.Key))
}

// DigestMismatchError: the caller sent two different contents under one transaction id.
type DigestMismatchError struct {
	StartTS timestamp.Timestamp
	Key     Key
}

func (e *DigestMismatchError) Error() string {
	return fmt.Sprintf("transaction %s was sent before with other content (found at %s)",
		e.StartTS, FormatKey(e.Key))
}

// BelowSafepointError: too late. Versions below the safepoint may be gone.
type BelowSafepointError struct {
	TS        timestamp.Timestamp
	Safepoint timestamp.Timestamp
}

func (e *BelowSafepointError) Error() string {
	return fmt.Sprintf("timestamp %s lies below the safepoint %s", e.TS, e.Safepoint)
}

// ExpiredError: too late. The records of the transaction may be gone, so that its outcome
// is no longer known.
type ExpiredError struct {
	StartTS   timestamp.Timestamp
	Safepoint timestamp.Timestamp
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the records of transaction %s, below the safepoint %s, may be gone",
		e.StartTS, e.Safepoint)
}

// FutureError: the timestamp lies above what the oracle has issued.
type FutureError struct{ TS, Newest timestamp.Timestamp }

func (e *FutureError) Error() string {
	return fmt.Sprintf("timestamp %s lies in the future: the newest is %s", e.TS, e.Newest)
}

// InvalidError: the caller's mistake. Hint says what to do.
type InvalidError struct {
	Reason string // a short constant in capitals, KEY_EMPTY
	Key    Key
	What   string
	Hint   string
}

func (e *InvalidError) Error() string { return e.What }

// UndeterminedError: unknown. The commit was sent and its outcome was not heard; only
// asking (Commit again under the same id, or Outcome) can tell. Nothing may be re-run.
type UndeterminedError struct {
	StartTS timestamp.Timestamp
	Primary Key
	Cause   error
}

func (e *UndeterminedError) Error() string {
	return fmt.Sprintf("the outcome of transaction %s is not known yet: %v", e.StartTS, e.Cause)
}

func (e *UndeterminedError) Unwrap() error { return e.Cause }

// CorruptError: fatal for the replica. A stored row or record does not match its checksum.
type CorruptError struct {
	File   string
	Offset int64  // in the file; -1 where the row is named instead
	Row    string // which row, as table and key
	What   string
	Remedy string
}

func (e *CorruptError) Error() string {
	where := e.File
	if e.Offset >= 0 {
		where = fmt.Sprintf("%s at offset %d", e.File, e.Offset)
	}
	if e.Row != "" {
		where += ", " + e.Row
	}
	return fmt.Sprintf("%s: %s; %s", where, e.What, e.Remedy)
}
