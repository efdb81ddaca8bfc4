package routing

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shaledb/shale/mvcc"
)

func TestErrorName(t *testing.T) {
	for want, err := range map[string]error{
		"ok":            nil,
		"WriteConflict": fmt.Errorf("commit: %w", &mvcc.WriteConflictError{Key: "secret"}),
		"Unavailable":   &UnavailableError{Why: "secret"},
		"Canceled":      fmt.Errorf("x: %w", context.Canceled),
		"Deadline":      errors.Join(errors.New("secret"), context.DeadlineExceeded),
		"Other":         errors.New("secret"),
	} {
		require.Equal(t, want, ErrorName(err))
	}
}
