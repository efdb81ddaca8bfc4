package routing

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrorName is the kind of an error, for metrics, traces and logs: a word without keys or
// values in it. "ok": none.
func ErrorName(err error) string {
	if err == nil {
		return "ok"
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		name := fmt.Sprintf("%T", e)
		for _, pkg := range [...]string{"*mvcc.", "*routing.", "*wire."} {
			if kind, ok := strings.CutPrefix(name, pkg); ok {
				return strings.TrimSuffix(kind, "Error")
			}
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "Canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "Deadline"
	}
	return "Other"
}
