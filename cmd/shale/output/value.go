package output

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/shaledb/shale/mvcc"
)

// Text prints one value for people: at most limit bytes of it, zero: all.
func Text(v any, limit int) string {
	switch x := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return formatFloat(x)
	case string:
		if (limit <= 0 || len(x) <= limit) && plainText(x) {
			return x
		}
		return mvcc.FormatValue([]byte(x), textLimit(x, limit))
	case []byte:
		if (limit <= 0 || len(x) <= limit) && plainText(x) {
			return string(x)
		}
		return mvcc.FormatValue(x, textLimit(string(x[:min(len(x), limit+utf8.UTFMax)]), limit))
	}
	return mvcc.FormatValue(fmt.Append(nil, v), limit)
}

// textLimit moves the cut to where a character begins: half of one would be printed as bytes.
func textLimit(s string, limit int) int {
	if limit <= 0 || len(s) <= limit {
		return limit
	}
	for at := limit; at > limit-utf8.UTFMax && at > 0; at-- {
		if r, n := utf8.DecodeRuneInString(s[at:]); utf8.RuneStart(s[at]) && (r != utf8.RuneError || n > 1) {
			return at
		}
	}
	return limit
}

// formatFloat keeps it a float where it is whole, as SQLite's shell does.
func formatFloat(x float64) string {
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if strings.ContainsAny(s, ".eIN") {
		return s
	}
	return s + ".0"
}

// number says whether the value belongs to the right side of its column.
func number(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

// appendJSON writes one value.
func appendJSON(out []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(out, "null"...)
	case int64:
		return strconv.AppendInt(out, x, 10)
	case float64:
		return appendFloat(out, x)
	case []byte:
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, x)
		return append(out, '"')
	case string:
		return appendString(out, x)
	}
	return appendString(out, fmt.Sprint(v))
}

// appendFloat has a form for what JSON has no number for.
func appendFloat(out []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(out, "null"...)
	case math.IsInf(x, 1):
		return append(out, "9e999"...)
	case math.IsInf(x, -1):
		return append(out, "-9e999"...)
	}
	return append(out, formatFloat(x)...)
}

// appendString writes a text, with what is not printable in escapes: it must not drive the
// terminal, and JSON's readers have it back all the same. Bytes that are no UTF-8 become U+FFFD.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				out = append(out, '\\', c)
			case c == '\n':
				out = append(out, '\\', 'n')
			case c < ' ' || c == 0x7f:
				out = appendUnit(out, rune(c))
			default:
				out = append(out, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch high, low := utf16.EncodeRune(r); {
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case high != utf8.RuneError:
			out = appendUnit(appendUnit(out, high), low)
		default:
			out = appendUnit(out, r)
		}
		i += n
	}
	return append(out, '"')
}

func appendUnit(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// plainText says whether the formatter prints s as it is, as it does most names and texts.
func plainText[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}
