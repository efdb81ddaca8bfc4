package register

import (
	"fmt"
	"time"

	"github.com/shaledb/shale/bench/history"
	"github.com/shaledb/shale/mvcc"
)

// The operations.
const (
	Get = "get"
	Put = "put"
	Add = "add"
	CAS = "cas"
)

// Op is one operation on one register, as its client saw it.
type Op struct {
	Process int             `json:"process"`
	Do      string          `json:"do"`
	Key     mvcc.Key        `json:"key"`
	Old     int64           `json:"old,omitempty"`   // what a cas expects
	Value   int64           `json:"value,omitempty"` // what it writes or adds; what a get has found
	Found   bool            `json:"found,omitempty"` // by a get: a value at all; by a cas: what it expects
	Outcome history.Outcome `json:"outcome"`
	Begin   time.Duration   `json:"begin"`
	End     time.Duration   `json:"end,omitempty"`
	Heard   string          `json:"heard,omitempty"` // the error, for people
}

// String is the operation and its answer.
func (o *Op) String() string {
	s := ""
	switch o.Do {
	case Get:
		s = "get: nothing"
		if o.Found {
			s = fmt.Sprintf("get: %d", o.Value)
		}
	case CAS:
		s = fmt.Sprintf("cas %d to %d", o.Old, o.Value)
		if o.Outcome == history.OK && o.Found {
			s += ": swapped"
		} else if o.Outcome == history.OK {
			s += ": not equal"
		}
	default:
		s = fmt.Sprintf("%s %d", o.Do, o.Value)
	}
	if o.Outcome == history.Unknown {
		s += ", outcome unknown"
	}
	return s
}

// state is what a register holds.
type state struct {
	there bool
	value int64
}

// step is the state after the operation, and whether its answer fits the state before.
func (s state) step(o *Op) (bool, state) {
	heard := o.Outcome == history.OK
	switch o.Do {
	case Get:
		return s == state{o.Found, o.Value}, s
	case Add:
		return true, state{true, s.value + o.Value}
	case Put:
		return true, state{true, o.Value}
	}
	equal := s == state{true, o.Old}
	if heard && equal != o.Found {
		return false, s
	}
	if equal {
		return true, state{true, o.Value}
	}
	return true, s
}

// counts says whether the operation says anything about its register: one that was aborted
// had no effect, and a get without an answer has none either.
func (o *Op) counts() bool {
	return o.Outcome == history.OK || o.Outcome == history.Unknown && o.Do != Get
}
