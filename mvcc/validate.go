package mvcc

import "fmt"

// The reasons of an *InvalidError that concern a transaction's content.
const (
	ReasonKeyEmpty            = "KEY_EMPTY"
	ReasonKeyTooLarge         = "KEY_TOO_LARGE"
	ReasonKeySystem           = "KEY_SYSTEM" // a matter of permission rather than of form
	ReasonKeyTwice            = "KEY_TWICE"
	ReasonValueTooLarge       = "VALUE_TOO_LARGE"
	ReasonTransactionTooLarge = "TRANSACTION_TOO_LARGE"
	ReasonOpUnknown           = "OP_UNKNOWN"
	ReasonOperand             = "OPERAND_NOT_INTEGER"
)

// ValidateMutations checks a Commit's content against the limits that every client is
// promised. The error is an *InvalidError.
func ValidateMutations(mutations []Mutation) error {
	size := 0
	seen := make(map[Key][2]bool, len(mutations)) // written, checked
	for _, m := range mutations {
		if err := ValidateKey(m.Key); err != nil {
			return err
		}
		if m.Op < MutationPut || m.Op > MutationAppend { // MutationClaim is no client's
			return invalid(ReasonOpUnknown, m.Key, fmt.Sprintf("%s on key %s is unknown here", m.Op, brief(m.Key)),
				"use an operation that this version serves")
		}
		if m.Op.Atomic() && m.Op != MutationAppend && !isInteger(m.Value) {
			return invalid(ReasonOperand, m.Key, fmt.Sprintf("the operand %s of %s on key %s is no integer",
				FormatValue(m.Value, 32), m.Op, brief(m.Key)), "write a 64-bit signed integer as decimal text")
		}
		if len(m.Value) > MaxValueSize {
			return invalid(ReasonValueTooLarge, m.Key,
				fmt.Sprintf("the value of key %s has %d bytes", brief(m.Key), len(m.Value)),
				fmt.Sprintf("a value has at most %d bytes", MaxValueSize))
		}
		did, kind := seen[m.Key], 0
		if m.Op.Check() {
			kind = 1
		}
		if did[kind] {
			return invalid(ReasonKeyTwice, m.Key, fmt.Sprintf("key %s is in the mutations twice", brief(m.Key)),
				"one check and one write of the same key are allowed")
		}
		did[kind] = true
		seen[m.Key] = did
		if size += len(m.Key) + len(m.Value); size > MaxTransactionSize {
			return invalid(ReasonTransactionTooLarge, "",
				fmt.Sprintf("the transaction has more than %d bytes of keys and values", MaxTransactionSize),
				"write less in one transaction")
		}
	}
	return nil
}

// ValidateKey checks one key as clients may use it.
func ValidateKey(k Key) error {
	switch {
	case k == "":
		return invalid(ReasonKeyEmpty, k, "the key is empty", "a key has at least one byte")
	case len(k) > MaxKeySize:
		return invalid(ReasonKeyTooLarge, k, fmt.Sprintf("key %s has %d bytes", brief(k), len(k)),
			fmt.Sprintf("a key has at most %d bytes", MaxKeySize))
	case k.System():
		return invalid(ReasonKeySystem, k, fmt.Sprintf("key %s belongs to the system", brief(k)),
			"keys that begin with the byte 0x00 are the system's own")
	}
	return nil
}

// ValidateBound checks a span's bound: it may be empty, or a key's successor.
func ValidateBound(k Key) error {
	if len(k) > MaxBoundSize {
		return invalid(ReasonKeyTooLarge, k, fmt.Sprintf("bound %s has %d bytes", brief(k), len(k)),
			fmt.Sprintf("a bound has at most %d bytes", MaxBoundSize))
	}
	if k.System() {
		return invalid(ReasonKeySystem, k, fmt.Sprintf("bound %s belongs to the system", brief(k)),
			"keys that begin with the byte 0x00 are the system's own")
	}
	return nil
}

func invalid(reason string, k Key, what, hint string) error {
	return &InvalidError{Reason: reason, Key: k, What: what, Hint: hint}
}

// brief prints a key for a message: its first bytes suffice to find it.
func brief(k Key) string { return FormatValue([]byte(k), 64) }
