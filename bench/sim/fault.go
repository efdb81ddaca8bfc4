package sim

import (
	"fmt"
	"strings"
)

// Fault is a kind of thing that goes wrong.
type Fault uint8

// The faults. Each is counted where it happens, not where it is planned.
const (
	NodeKilled      Fault = iota // between two events; what it had written stays
	PowerLost                    // what it had not synced goes
	AllPowerLost                 // of all nodes, at one moment
	ClientKilled                 // a coordinator's, mostly between two messages of a commit
	NodeIsolated                 // from the other nodes, not from the clients
	LinkCut                      // one way
	LinkCutBothWays              //
	ProcessPaused                // its clocks go on
	ClockJumped                  // the wall clock of a node
	DiskStalled                  // syncs take half a second
	MessageLost                  //
	MessageRepeated              //
	MessageLate                  // overtaken by those sent after it
	WriteTorn                    // by a loss of power: of a write to the log some sectors are there
	LogEndLost                   // by a loss of power: a write to the log under way
	CommitsLost                  // by a loss of power: the store's last ones
	RecoveryCut                  // a node dies while it reads its log
	SyncFailed                   // of the log: the process ends (P28)
	FlushFailed                  // of a store: the replica ends
	LogBitFlipped                // in what the log has synced
	RowBitFlipped                // in a store's rows
	faultCount
)

func (f Fault) String() string {
	return [faultCount]string{"nodes killed", "nodes lost power", "all nodes lost power", "clients killed",
		"nodes isolated", "links cut one way", "links cut", "processes paused", "clocks jumped", "disks stalled",
		"messages lost", "messages repeated", "messages late", "writes torn", "log ends lost", "commits lost",
		"recoveries cut short", "syncs failed", "flushes failed", "log bits flipped", "row bits flipped"}[f]
}

// Faults counts faults by kind.
type Faults [faultCount]int

func (fs Faults) String() string {
	var b strings.Builder
	for f, n := range fs {
		if n > 0 {
			fmt.Fprintf(&b, "%s%s %d", map[bool]string{true: ", ", false: ""}[b.Len() > 0], Fault(f), n)
		}
	}
	return b.String()
}

func (w *world) happened(f Fault) { w.counts.Faults[f]++ }
