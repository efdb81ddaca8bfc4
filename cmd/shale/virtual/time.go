package virtual

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// counterBits is what a timestamp has below its Unix milliseconds.
const counterBits = 18

// timeFunctions are ts and ts_time.
func timeFunctions() []*Function {
	return []*Function{
		{Name: "ts", Args: 1, Deterministic: true, Call: callTS,
			Doc: "the timestamp of a time in UTC: 'YYYY-MM-DD HH:MM:SS', 'now' or '-10 minutes'"},
		{Name: "ts_time", Args: 1, Deterministic: true, Call: callTSTime,
			Doc: "the time of a timestamp, in UTC: YYYY-MM-DD HH:MM:SS.mmm"},
	}
}

func callTS(ctx context.Context, args []any) (any, error) {
	switch v := args[0].(type) {
	case nil, int64:
		return v, nil
	case string:
		now, err := StatementOf(ctx).Once(nowKey{}, func() (any, error) { return time.Now(), nil })
		if err != nil {
			return nil, err
		}
		return parseTS(v, now.(time.Time))
	}
	return nil, fmt.Errorf("ts(): %v is no time; write 'YYYY-MM-DD HH:MM:SS' (UTC)", args[0])
}

type nowKey struct{}

// layouts are the times that ts understands. Constant.
var layouts = []string{"2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02"}

// parseTS is the first timestamp of the time's millisecond.
func parseTS(text string, now time.Time) (int64, error) {
	s := strings.TrimSpace(text)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1<<32 {
		return n, nil // a timestamp, as it is printed
	}
	if t, ok := relative(s, now); ok {
		return stamp(t, text)
	}
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(s, "Z"), "UTC"))
	if len(s) > 10 && s[10] == 'T' {
		s = s[:10] + " " + s[11:]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return stamp(t, text)
		}
	}
	return 0, fmt.Errorf("ts(): %q is no time; write 'YYYY-MM-DD HH:MM:SS' (UTC), 'now' or '-10 minutes'", text)
}

func stamp(t time.Time, text string) (int64, error) {
	ms := t.UnixMilli()
	if ms < 0 || ms > math.MaxInt64>>counterBits {
		return 0, fmt.Errorf("ts(): %q lies outside of the years 1970 to 3084", text)
	}
	return ms << counterBits, nil
}

// relative reads 'now' and '-10 minutes'.
func relative(s string, now time.Time) (time.Time, bool) {
	if strings.EqualFold(s, "now") {
		return now, true
	}
	if s == "" || s[0] != '-' && s[0] != '+' {
		return now, false
	}
	words := strings.Fields(s)
	if len(words) != 2 {
		return now, false
	}
	n, err := strconv.ParseInt(words[0], 10, 32)
	if err != nil {
		return now, false
	}
	units := map[string]time.Duration{"millisecond": time.Millisecond, "ms": time.Millisecond, "second": time.Second,
		"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	unit, ok := units[strings.TrimSuffix(strings.ToLower(words[1]), "s")]
	if !ok {
		unit, ok = units[strings.ToLower(words[1])]
	}
	return now.Add(time.Duration(n) * unit), ok && math.Abs(float64(n)*float64(unit)) < math.MaxInt64
}

func callTSTime(_ context.Context, args []any) (any, error) {
	switch v := args[0].(type) {
	case nil:
		return nil, nil
	case int64:
		if v >= 0 {
			return time.UnixMilli(v >> counterBits).UTC().Format("2006-01-02 15:04:05.000"), nil
		}
	}
	return nil, fmt.Errorf("ts_time(): %v is no timestamp", args[0])
}
