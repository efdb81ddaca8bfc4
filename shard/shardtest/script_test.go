package shardtest

import "testing"

// TestScripts runs the schedules and pitfalls of the replica. Each script is named after the
// row that it closes.
func TestScripts(t *testing.T) { Run(t, "../testdata") }
