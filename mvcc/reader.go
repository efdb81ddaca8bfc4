package mvcc

import (
	"fmt"

	"github.com/shaledb/shale/timestamp"
)

// Reader is what the rules ask while they evaluate a write. An engine answers everything; a
// shard's view answers what it can prove from memory and otherwise returns *NeedError: the
// replica then looks the facts up and evaluates again from the top. So rules are pure: they
// change nothing, and asked twice they answer the same.
type Reader interface {
	// Lock is the lock that stands on k.
	Lock(k Key) (Lock, bool)
	// Newest is the newest version or mark (OpMark) of k with a commit timestamp above the
	// given one; false where there is none. Values need not be filled in.
	Newest(k Key, above timestamp.Timestamp) (Version, bool, error)
	// Current is the newest version of k, marks left out, with its value.
	Current(k Key) (Version, bool, error)
	// Own is what is recorded at k of the transaction that began at start: an outcome, a
	// fence, or a record made from its version or mark.
	Own(k Key, start timestamp.Timestamp) (Record, bool, error)
}

// Fact is everything that a Reader can be asked about one key on behalf of one transaction.
type Fact struct {
	Key     Key
	StartTS timestamp.Timestamp
	Newest  Version // newest version or mark; Key empty: none
	Current Version // newest version, marks left out, with its value; Key empty: none
	Own     Record  // Undecided: nothing is recorded
}

// NeedError says that memory alone cannot answer about a key.
type NeedError struct{ Key Key }

func (e *NeedError) Error() string { return fmt.Sprintf("facts needed about %s", FormatKey(e.Key)) }
