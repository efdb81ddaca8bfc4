package raftlog

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// twin is the dumb log: maps in memory.
type twin map[routing.ShardID]twinGroup

type twinGroup struct {
	hard    string
	cut     Position
	entries []string // of index cut+1 and on
}

func (w twin) clone() twin {
	c := maps.Clone(w)
	for id, g := range c {
		g.entries = slices.Clone(g.entries)
		c[id] = g
	}
	return c
}

func text(e *raftpb.Entry) string {
	return fmt.Sprintf("%d/%d/%d %s", e.GetIndex(), e.GetTerm(), e.GetType(), e.GetData())
}

func (w twin) append(batch []Write) {
	for _, b := range batch {
		g := w[b.Group]
		if b.Reset != nil {
			g.cut, g.entries = *b.Reset, nil
		}
		for _, e := range b.Entries {
			at := int(e.GetIndex()) - int(g.cut.Index) - 1
			g.entries = append(slices.Clone(g.entries[:at]), text(e))
		}
		if b.HardState != nil {
			g.hard = fmt.Sprint(b.HardState.GetTerm(), b.HardState.GetVote(), b.HardState.GetCommit())
		}
		w[b.Group] = g
	}
}

func (w twin) cut(id routing.ShardID, p Position) {
	g := w[id]
	g.entries = slices.Clone(g.entries[int(p.Index)-int(g.cut.Index):])
	g.cut = p
	w[id] = g
}

func (w twin) String() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(w)) {
		fmt.Fprintf(&b, "%d: [%s] after %d/%d %q\n", id, w[id].hard, w[id].cut.Index, w[id].cut.Term, w[id].entries)
	}
	return b.String()
}

func found(groups map[routing.ShardID]*Replayed) twin {
	w := twin{}
	for id, r := range groups {
		g := twinGroup{cut: Position{r.CutIndex, r.CutTerm}}
		if h := r.HardState; h != nil {
			g.hard = fmt.Sprint(h.GetTerm(), h.GetVote(), h.GetCommit())
		}
		for _, e := range r.Entries {
			g.entries = append(g.entries, text(e))
		}
		w[id] = g
	}
	return w
}

// history drives a log and its twin with the same random steps, through crashes.
type history struct {
	r    *rand.Rand
	d    *disk
	log  *Log
	want twin   // what the log must hold once an Append returned
	may  []twin // what it may hold after a crash
	n    int
}

// small is constant.
var small = Config{SegmentSize: segmentSizeMin}

func (h *history) open(create bool) (map[routing.ShardID]*Replayed, error) {
	cfg := small
	cfg.FS, cfg.Create = h.d, create
	l, groups, err := Open("log", cfg)
	h.log = l
	return groups, err
}

func newHistory(t require.TestingT, r *rand.Rand) *history {
	h := &history{r: r, d: newDisk(), want: twin{}}
	_, err := h.open(true)
	require.NoError(t, err)
	return h
}

// step is one Append with whatever Cuts and Removes go before it.
func (h *history) step() error {
	next := h.want.clone()
	h.may = []twin{h.want}
	for _, id := range slices.Sorted(maps.Keys(next)) {
		if g := next[id]; len(g.entries) > 0 && h.r.IntN(4) == 0 && id != 1 {
			n := 1 + h.r.IntN(len(g.entries))
			var index, term uint64
			_, _ = fmt.Sscanf(g.entries[n-1], "%d/%d", &index, &term)
			p := Position{g.cut.Index + mvcc.Index(n), term}
			next.cut(id, p)
			h.log.Cut(id, p)
		}
	}
	h.may = append(h.may, next.clone())
	if h.r.IntN(20) == 0 && len(next) > 2 {
		ids := slices.Sorted(maps.Keys(next))
		// Of a group that is cut and removed at once a crash may undo both and keep the
		// other groups' cuts: a state more that is not modelled.
		if id := ids[h.r.IntN(len(ids))]; next[id].cut == h.want[id].cut {
			h.log.Remove(id)
			delete(next, id)
			h.may = append(h.may, next.clone())
		}
	}
	batch := h.batch(next)
	next.append(batch)
	h.may = append(h.may, next)
	if err := h.log.Append(batch); err != nil {
		return err
	}
	h.want = next
	h.may = []twin{next}
	return nil
}

func (h *history) batch(w twin) []Write {
	var batch []Write
	for range h.r.IntN(4) {
		id := routing.ShardID(1 + h.r.IntN(5))
		if slices.ContainsFunc(batch, func(b Write) bool { return b.Group == id }) {
			continue
		}
		write := Write{Group: id}
		g, known := w[id]
		if !known || h.r.IntN(40) == 0 {
			write.Reset = &Position{mvcc.Index(10 + h.r.IntN(30)), 5}
			g = twinGroup{cut: *write.Reset}
		}
		if id != 1 || len(g.entries) < 3 { // group 1 stands still and holds its segment
			end := int(g.cut.Index) + len(g.entries)
			from := end + 1
			if len(g.entries) > 0 && h.r.IntN(4) == 0 {
				from -= h.r.IntN(len(g.entries)) // overwrite a suffix
			}
			for i := range h.r.IntN(4) {
				h.n++
				data := strings.Repeat(string(rune('a'+h.r.IntN(26))), h.r.IntN(700))
				write.Entries = append(write.Entries, entry(uint64(from+i), uint64(6+h.n/50), data))
			}
		}
		if h.r.IntN(2) == 0 {
			write.HardState = hard(uint64(6+h.n/50), uint64(h.r.IntN(3)), uint64(g.cut.Index))
		}
		batch = append(batch, write)
	}
	return batch
}

// restart checks what a start finds after the power went out, or after a Close.
func (h *history) restart(t require.TestingT, crash, garbage bool) {
	if crash {
		h.d = h.d.crash(h.r, garbage)
	} else {
		h.d = h.d.clone()
	}
	groups, err := h.open(false)
	require.NoError(t, err)
	got := found(groups).String()
	for _, w := range h.may {
		if w.String() == got {
			h.want, h.may = w, []twin{w}
			return
		}
	}
	require.Failf(t, "not a state that the log may have", "found\n%swanted\n%s", got, h.want)
}

func TestRandomHistoriesWithCrashes(t *testing.T) { // P28
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		h := newHistory(t, rand.New(rand.NewPCG(seed, 1)))
		for range 1 + h.r.IntN(6) {
			if h.r.IntN(3) > 0 {
				h.d.crashAt = h.d.ops + 1 + h.r.IntN(200)
			}
			var err error
			for i := 0; i < 40 && err == nil; i++ {
				err = h.step()
			}
			if err == nil && h.r.IntN(2) == 0 {
				h.d.crashAt = 0
				require.NoError(t, h.log.Close())
				h.restart(t, false, false)
			} else {
				if err != nil {
					require.ErrorIs(t, err, errCrashed)
				}
				h.restart(t, true, h.r.IntN(2) == 0)
			}
		}
	})
}

// TestCrashAtEveryStep runs one history up to every single change of the disk, among them
// each in the middle of making, sealing and letting go of segments.
func TestCrashAtEveryStep(t *testing.T) { // P28
	for at := 1; ; at++ {
		h := newHistory(t, rand.New(rand.NewPCG(7, 7)))
		h.d.crashAt = h.d.ops + at
		var err error
		for i := 0; i < 200 && err == nil; i++ {
			err = h.step()
		}
		if err == nil {
			require.Greater(t, at, 300)
			require.Positive(t, h.log.Stats().Rewritten, "old entries were written again on the way")
			require.Greater(t, h.log.first, uint64(3), "segments were let go on the way")
			return
		}
		require.ErrorIs(t, err, errCrashed)
		h.r = rand.New(rand.NewPCG(uint64(at), 8))
		h.restart(t, true, at%2 == 0)
		for range 20 {
			require.NoError(t, h.step())
		}
		h.restart(t, true, false)
	}
}

// TestCrashDuringRecovery: the start after a crash may crash itself.
func TestCrashDuringRecovery(t *testing.T) { // P28
	for seed := range uint64(30) {
		h := newHistory(t, rand.New(rand.NewPCG(seed, 9)))
		h.d.crashAt = h.d.ops + 20 + h.r.IntN(300)
		var err error
		for err == nil {
			err = h.step()
		}
		found := h.d.crash(h.r, true)
		for at := 1; ; at++ {
			h.d = found.clone()
			h.d.crashAt = at
			if _, err := h.open(false); err == nil {
				break
			}
			may := h.may
			h.restart(t, true, true)
			h.may = may
		}
	}
}
