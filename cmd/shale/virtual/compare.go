package virtual

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"strings"
)

// affinity is how SQLite treats a column's comparands, by its declared type.
type affinity int

const (
	affinityBytes affinity = iota
	affinityText
	affinityInteger
	affinityReal
	affinityNumeric
)

func affinityOf(columnType string) affinity {
	t := strings.ToUpper(columnType)
	contains := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(t, w) {
				return true
			}
		}
		return false
	}
	switch {
	case contains("INT"):
		return affinityInteger
	case contains("CHAR", "CLOB", "TEXT"):
		return affinityText
	case t == "" || contains("BLOB"):
		return affinityBytes
	case contains("REAL", "FLOA", "DOUB"):
		return affinityReal
	}
	return affinityNumeric
}

// narrow adds one comparison to the query. SQLite compares by rules of its own (types,
// affinities, collations) and checks again, so that what does not fit the column's type is
// left out here: then Scan yields more. Where it does not check again, text is compared by its
// bytes and reaches Scan as a string. False: no row can fulfil it.
func (q *Query) narrow(c Column, op string, v any, collated bool) bool {
	if c.Hidden && v == nil {
		q.Equals[c.Name] = nil
		return true
	}
	if v == nil {
		return false // nothing compares with NULL
	}
	switch a := affinityOf(c.Type); {
	case c.Omit && a < affinityInteger:
		v = bytesOf(v)
	case !c.Hidden:
		if _, isText := v.(string); isText && collated && !c.Omit {
			return true
		}
		if fitted, with, ok := fit(a, op, v); ok {
			v, op = fitted, with
		} else {
			return !c.Omit || beyond(op, v)
		}
	}
	switch op {
	case "=":
		return q.equal(c, v)
	case ">", ">=":
		return q.bound(q.Lows, c.Name, Bound{v, op == ">="}, 1)
	}
	return q.bound(q.Highs, c.Name, Bound{v, op == "<="}, -1)
}

func (q *Query) equal(c Column, v any) bool {
	if !c.Equal && !c.Hidden {
		return q.bound(q.Lows, c.Name, Bound{v, true}, 1) && q.bound(q.Highs, c.Name, Bound{v, true}, -1)
	}
	if old, ok := q.Equals[c.Name]; ok {
		d, comparable := compare(old, v)
		return !comparable || d == 0
	}
	q.Equals[c.Name] = v
	return true
}

// bound keeps the narrower of two ends; side is 1 for the low ones.
func (q *Query) bound(ends map[string]Bound, column string, b Bound, side int) bool {
	if old, ok := ends[column]; ok {
		d, comparable := compare(b.Value, old.Value)
		if !comparable || d*side < 0 || d == 0 && !old.Inclusive {
			b = old
		}
	}
	ends[column] = b
	low, high := q.Lows[column], q.Highs[column]
	if low.Value == nil || high.Value == nil {
		return true
	}
	d, comparable := compare(low.Value, high.Value)
	return !comparable || d < 0 || d == 0 && low.Inclusive && high.Inclusive
}

// fit makes the comparand one of the column's type, and says whether it can.
func fit(a affinity, op string, v any) (any, string, bool) {
	if text, ok := v.(string); ok && a >= affinityInteger {
		if v, ok = number(text); !ok {
			return nil, "", false
		}
	}
	switch v := v.(type) {
	case string: // in a column of any type, TEXT sorts before every BLOB: not by its bytes
		return v, op, a == affinityText || a == affinityBytes && op == "="
	case []byte:
		return v, op, a == affinityBytes && op == "="
	case int64:
		if a == affinityReal {
			return float64(v), op, v > -1<<53 && v < 1<<53
		}
		return v, op, a >= affinityInteger
	case float64:
		if a == affinityInteger {
			return whole(op, v)
		}
		return v, op, a >= affinityInteger
	}
	return nil, "", false
}

// beyond says whether all numbers of a column fulfil a comparison with something that is no
// such number, where otherwise none does: TEXT and BLOB come after all numbers.
func beyond(op string, v any) bool {
	f, isFloat := v.(float64)
	switch op {
	case "<", "<=":
		return !isFloat || f > 0
	case ">", ">=":
		return isFloat && f < 0
	}
	return false
}

// whole makes a comparison of integers with a fraction one with an integer.
func whole(op string, v float64) (any, string, bool) {
	down := math.Floor(v)
	switch {
	case !(down > -1<<62 && down < 1<<62):
		return nil, "", false
	case down == v:
		return int64(v), op, true
	case op == "=":
		return nil, "", false
	case op == "<" || op == "<=":
		return int64(down), "<=", true
	}
	return int64(down), ">", true
}

// number reads a text as SQLite's numeric affinity does.
func number(text string) (any, bool) {
	text = strings.Trim(text, " \t\n\v\f\r")
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, true
	}
	if strings.Trim(text, "+-.eE0123456789") != "" {
		return nil, false // Inf, hexadecimal and underscores are text to SQLite
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// compare orders two comparands of one kind.
func compare(a, b any) (int, bool) {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), true
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b), true
		}
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b), true
		case float64:
			return cmp.Compare(float64(a), b), true
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, float64(b)), true
		case float64:
			return cmp.Compare(a, b), true
		}
	}
	return 0, false
}

// bytesOf is the value's bytes, as a cast to BLOB has them.
func bytesOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if strings.Trim(text, "-0123456789") == "" {
			text += ".0"
		}
		return text
	}
	return ""
}
