package history

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shaledb/shale/mvcc"
)

// listShown is how many elements of a list are printed: its first and its last ones.
const listShown = 16

// FormatList prints a list; of a long one its two ends.
func FormatList(list []int64) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i < len(list); i++ {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == listShown/4 && len(list) > listShown {
			skip := len(list) - listShown
			fmt.Fprintf(&b, "…%d… ", skip)
			i += skip
		}
		b.WriteString(strconv.FormatInt(list[i], 10))
	}
	b.WriteByte(']')
	return b.String()
}

// Format prints an operation as a clause.
func (o *Op) Format() string {
	k := mvcc.FormatKey(o.Key)
	switch o.Do {
	case Append:
		return fmt.Sprintf("appended %d to %s", o.Value, k)
	case AtomicAppend:
		return fmt.Sprintf("had %d appended to %s", o.Value, k)
	}
	return fmt.Sprintf("read %s = %s", k, FormatList(o.List))
}

// Format prints who the transaction is: process, mode, timestamps, outcome.
func (t *Txn) Format() string {
	parts := []string{fmt.Sprintf("process %d", t.Process)}
	if t.Mode != "" {
		parts = append(parts, t.Mode)
	}
	if t.ID != 0 {
		parts = append(parts, "id "+t.ID.String())
	}
	if t.ReadTS != 0 && t.ReadTS != t.ID {
		parts = append(parts, "read at "+t.ReadTS.String())
	}
	if t.CommitTS != 0 {
		parts = append(parts, "committed at "+t.CommitTS.String())
	}
	if t.Outcome != OK {
		parts = append(parts, string(t.Outcome))
	}
	if t.End != 0 {
		parts = append(parts, fmt.Sprintf("%s to %s", t.Begin, t.End))
	}
	return strings.Join(parts, ", ")
}

// FormatOps prints all that the transaction did.
func (t *Txn) FormatOps() string {
	parts := make([]string, len(t.Ops))
	for i := range t.Ops {
		parts[i] = t.Ops[i].Format()
	}
	return strings.Join(parts, "; ")
}
