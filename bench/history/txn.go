package history

import (
	"fmt"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/timestamp"
)

// Outcome is what the client knows of a transaction's end.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Aborted Outcome = "aborted" // definitely: nobody may ever see it
	Unknown Outcome = "unknown" // committed if and only if somebody sees it
)

// Level is the isolation that a history is held to. Both are meant strong: whoever begins
// after a commit was acknowledged sees it.
type Level string

// The levels.
const (
	SnapshotIsolation Level = "si"
	Serializable      Level = "serializable"
)

// ParseLevel reads a level as people write it.
func ParseLevel(text string) (Level, error) {
	switch l := Level(text); l {
	case SnapshotIsolation, Serializable:
		return l, nil
	}
	return "", &mvcc.InvalidError{Reason: "LEVEL", What: fmt.Sprintf("%q is no isolation level", text),
		Hint: "write si or serializable"}
}

// Verb is what an operation does.
type Verb uint8

// The operations. An AtomicAppend is done by the store, on whatever the list is at the
// commit; an Append is the client's: it has read the list, and writes it.
const (
	Read Verb = iota + 1
	Append
	AtomicAppend
)

// String is the verb as the file has it.
func (v Verb) String() string {
	switch v {
	case Read:
		return "read"
	case Append:
		return "append"
	case AtomicAppend:
		return "atomic"
	}
	return fmt.Sprintf("verb(%d)", uint8(v))
}

// Appends says whether v writes.
func (v Verb) Appends() bool { return v == Append || v == AtomicAppend }

// MarshalText writes the verb's name.
func (v Verb) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads it.
func (v *Verb) UnmarshalText(text []byte) error {
	for _, known := range []Verb{Read, Append, AtomicAppend} {
		if known.String() == string(text) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("no operation %q", text)
}

// Op is one operation on one list.
type Op struct {
	Do    Verb     `json:"do"`
	Key   mvcc.Key `json:"key"`
	Value int64    `json:"value,omitempty"` // appended
	List  []int64  `json:"list,omitempty"`  // read, own appends included
}

// Txn is one transaction, as its client saw it.
type Txn struct {
	ID       timestamp.Timestamp `json:"id,omitzero,string"`
	Process  int                 `json:"process"`
	Mode     string              `json:"mode,omitempty"` // for people
	Outcome  Outcome             `json:"outcome"`
	ReadTS   timestamp.Timestamp `json:"readTS,omitzero,string"`   // what it read at, at last
	CommitTS timestamp.Timestamp `json:"commitTS,omitzero,string"` // where it is ok
	// Begin is before the first call, End after the last answer, by one clock for the whole
	// history. A transaction of unknown outcome has no end.
	Begin time.Duration `json:"begin"`
	End   time.Duration `json:"end,omitempty"`
	// Stale: it asked for the past, and owes nothing to what was acknowledged before.
	Stale bool `json:"stale,omitempty"`
	// Unsteady: a read's timestamp may be older than ReadTS, because a claim has moved it.
	// Where such a transaction is aborted, its claims may have been lost before.
	Unsteady bool   `json:"unsteady,omitempty"`
	Heard    string `json:"heard,omitempty"` // the error, for people
	Ops      []Op   `json:"ops,omitempty"`
}

// Writes says whether the transaction appends anything.
func (t *Txn) Writes() bool {
	for i := range t.Ops {
		if t.Ops[i].Do.Appends() {
			return true
		}
	}
	return false
}

// Anomaly is a mistake that a checker found.
type Anomaly struct {
	Name string `json:"name"` // G-single
	Text string `json:"text"` // several lines: what, who, and what each of them saw
}

// String is the whole of it.
func (a Anomaly) String() string { return a.Name + ": " + a.Text }
