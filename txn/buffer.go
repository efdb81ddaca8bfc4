package txn

import (
	"github.com/tidwall/btree"

	"github.com/shaledb/shale/mvcc"
)

// buffer is what a transaction has written and not yet sent, by key.
type buffer struct {
	keys    btree.Map[mvcc.Key, own]
	primary mvcc.Key // the first one written
	size    int
}

// own is what a transaction wants of one key: a check, a write, or both. Op zero: none.
type own struct{ check, write mvcc.Mutation }

func (b *buffer) empty() bool { return b.keys.Len() == 0 }

// get is the key's entry as its transaction has written it; false: the buffer alone does not
// know, for it was not written, or by an operation on what stands there.
func (b *buffer) get(k mvcc.Key) (Entry, bool) {
	if b.empty() {
		return Entry{}, false
	}
	o, ok := b.keys.Get(k)
	if !ok || o.write.Op == 0 || o.write.Op.Atomic() {
		return Entry{}, false
	}
	return o.entry(), true
}

// over is what a read of the key sees where the shards hold e.
func (b *buffer) over(k mvcc.Key, e Entry) (Entry, error) {
	if o, ok := b.keys.Get(k); ok && o.write.Op != 0 {
		return o.over(e)
	}
	return e, nil
}

func (o *own) over(e Entry) (Entry, error) {
	if !o.write.Op.Atomic() {
		return o.entry(), nil
	}
	value, err := mvcc.ApplyAtomic(e.Key, o.write.Op, e.Value, e.Found, o.write.Value)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(e.Key, &mvcc.Version{Op: mvcc.OpPut, Value: value}), nil
}

func (o *own) entry() Entry {
	if o.write.Op == mvcc.MutationDelete {
		return Entry{Key: o.write.Key}
	}
	return entryOf(o.write.Key, &mvcc.Version{Op: mvcc.OpPut, Value: o.write.Value})
}

// add takes an operation in; what it refuses changes nothing.
func (b *buffer) add(m mvcc.Mutation) error {
	if err := mvcc.ValidateMutations([]mvcc.Mutation{m}); err != nil {
		return err
	}
	before, _ := b.keys.Get(m.Key)
	after, err := before.with(m)
	if err != nil {
		return err
	}
	size := b.size - before.size() + after.size()
	if size > mvcc.MaxTransactionSize {
		return &mvcc.InvalidError{Reason: mvcc.ReasonTransactionTooLarge, Key: m.Key,
			What: "the transaction would have more than 64 MiB of keys and values", Hint: "write less in one transaction"}
	}
	if b.empty() {
		b.primary = m.Key
	}
	b.keys.Set(m.Key, after)
	b.size = size
	return nil
}

func (o *own) size() int {
	return len(o.check.Key) + len(o.check.Value) + len(o.write.Key) + len(o.write.Value)
}

// with is o followed by m, as one check and one write at most.
func (o own) with(m mvcc.Mutation) (own, error) {
	switch {
	case m.Op.Atomic():
		return o.withAtomic(m)
	case m.Op == mvcc.MutationInsert && o.write.Op.Atomic():
		return o, &mvcc.AlreadyExistsError{Key: m.Key} // after the operation it does
	case m.Op.Check() && o.check.Op != 0:
		return o, &mvcc.InvalidError{Reason: mvcc.ReasonKeyTwice, Key: m.Key,
			What: "key " + mvcc.FormatKey(m.Key) + " is checked twice", Hint: "one check of a key is allowed"}
	case m.Op.Check():
		o.check = m
		return o, nil
	case m.Op == mvcc.MutationInsert && (o.write.Op == mvcc.MutationPut || o.write.Op == mvcc.MutationInsert):
		return o, &mvcc.AlreadyExistsError{Key: m.Key}
	case m.Op == mvcc.MutationInsert && o.write.Op == mvcc.MutationDelete:
		m.Op = mvcc.MutationPut
	case m.Op == mvcc.MutationPut && o.write.Op == mvcc.MutationInsert:
		m.Op = mvcc.MutationInsert // that it must not exist stays promised
	case m.Op == mvcc.MutationDelete && o.write.Op == mvcc.MutationInsert && o.check.Op == 0:
		o.check = mvcc.Mutation{Op: mvcc.MutationCheckAbsent, Key: m.Key}
	}
	o.write = m
	return o, nil
}

// withAtomic is o followed by an atomic operation: done at once where the value is known here,
// joined with one of its kind otherwise.
func (o own) withAtomic(m mvcc.Mutation) (own, error) {
	switch before := o.write; {
	case before.Op == 0:
		o.write = m
	case before.Op == mvcc.MutationDelete, before.Op == mvcc.MutationPut, before.Op == mvcc.MutationInsert:
		value, err := mvcc.ApplyAtomic(m.Key, m.Op, before.Value, before.Op != mvcc.MutationDelete, m.Value)
		if err != nil {
			return o, err
		}
		if before.Op == mvcc.MutationDelete {
			o.write.Op = mvcc.MutationPut
		}
		o.write.Value = value
	case before.Op == m.Op:
		value, err := mvcc.ApplyAtomic(m.Key, m.Op, before.Value, true, m.Value)
		if err != nil {
			return o, err
		}
		o.write.Value = value
	default:
		return o, &mvcc.InvalidError{Reason: "ATOMIC_MIXED", Key: m.Key,
			What: before.Op.String() + " and " + m.Op.String() + " on one key in one transaction", Hint: "read the key and put the result"}
	}
	return o, nil
}

// savepoint is a buffer as it was.
type savepoint struct {
	name   string
	buffer buffer
}

// clone shares what is there; neither changes the other afterwards.
func (b *buffer) clone() buffer {
	return buffer{keys: *b.keys.Copy(), primary: b.primary, size: b.size}
}

// mutations is all of it, the primary's first, then by key. The same buffer gives the same
// content, so that a Commit can be sent again.
func (b *buffer) mutations() []mvcc.Mutation {
	out := make([]mvcc.Mutation, 0, b.keys.Len()+1)
	put := func(o own) {
		if o.check.Op != 0 {
			out = append(out, o.check)
		}
		if o.write.Op != 0 {
			out = append(out, o.write)
		}
	}
	if first, ok := b.keys.Get(b.primary); ok {
		put(first)
	}
	b.keys.Scan(func(k mvcc.Key, o own) bool {
		if k != b.primary {
			put(o)
		}
		return true
	})
	return out
}
