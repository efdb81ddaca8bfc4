package txn

import (
	"slices"
	"strconv"

	"github.com/shaledb/shale/mvcc"
)

// savepointsMax bounds the savepoints that a transaction keeps.
const savepointsMax = 1000

// Savepoint notes what was written so far under a name. A name given again notes anew.
func (tx *Txn) Savepoint(name string) error {
	if err := tx.writable(); err != nil {
		return err
	}
	if i := tx.savepoint(name); i >= 0 {
		tx.saved = slices.Delete(tx.saved, i, i+1)
	}
	if len(tx.saved) >= savepointsMax {
		return &mvcc.InvalidError{Reason: "SAVEPOINTS_TOO_MANY", What: "the transaction has " + strconv.Itoa(savepointsMax) + " savepoints",
			Hint: "use a name again, or roll back to one"}
	}
	tx.saved = append(tx.saved, savepoint{name: name, buffer: tx.buffer.clone()})
	return nil
}

// RollbackTo takes back what was written since a savepoint, which stays; later ones are
// forgotten. Claims made since then are held until the transaction ends, as in MySQL and
// TiDB: what was read under them may have been relied on. So does the read timestamp stay.
func (tx *Txn) RollbackTo(name string) error {
	if err := tx.writable(); err != nil {
		return err
	}
	i := tx.savepoint(name)
	if i < 0 {
		return &mvcc.InvalidError{Reason: "SAVEPOINT_UNKNOWN", What: "the transaction has no savepoint " + strconv.Quote(name),
			Hint: "name one that Savepoint was called with"}
	}
	tx.buffer = tx.saved[i].buffer.clone()
	tx.saved = tx.saved[:i+1]
	return nil
}

func (tx *Txn) savepoint(name string) int {
	return slices.IndexFunc(tx.saved, func(s savepoint) bool { return s.name == name })
}
