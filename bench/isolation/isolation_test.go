package isolation

import "testing"

// Everything runs in one cluster, which takes longer to start than most of the tests take.
func TestIsolation(t *testing.T) {
	w := newWorld(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"scenarios", testScenarios},
		{"long_fork_search", testFork},
		{"half_commit_search", testWhole},
		{"counter", testCounter},
		{"two_counters", testTwoCounters},
		{"deadlock", testDeadlock},
		{"as_of", testPast},
		{"moving_leaders", testLeaders},
		{"sessions_through_nodes", testGateways},
		{"unknown_outcome_asked_again", testUnknown},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, w) })
	}
}
