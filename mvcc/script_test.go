package mvcc_test

import (
	"testing"

	"github.com/shaledb/shale/mvcc/memory"
	"github.com/shaledb/shale/mvcc/mvcctest"
)

func openMemory(t testing.TB) mvcctest.Engine {
	e, err := mvcctest.NewStoreEngine(memory.New(memory.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestScripts runs the specification of the rules on the reference store.
func TestScripts(t *testing.T) { mvcctest.Run(t, "testdata", openMemory) }

// TestHistories runs random transactions against the dumb model. // P7 P8 P10 P15 S6
func TestHistories(t *testing.T) { mvcctest.Histories(t, openMemory) }
