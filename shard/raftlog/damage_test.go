package raftlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/routing"
)

// smallLog is a log with two segments, and what it holds. closed: in order, else the power
// went out after the last Append had returned.
func smallLog(t *testing.T, closed bool) (*disk, twin, twin) {
	t.Helper()
	h := newHistory(t, rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, h.log.Append([]Write{{Group: 1, Reset: &Position{10, 5}, HardState: hard(5, 0, 10)}}))
	h.want.append([]Write{{Group: 1, Reset: &Position{10, 5}, HardState: hard(5, 0, 10)}})
	before := h.want
	for i := range uint64(6) {
		w := []Write{
			{Group: 1, Entries: []*raftpb.Entry{entry(11+i, 6, strings.Repeat("x", 2500))}, HardState: hard(6, 1, 10+i)},
			{Group: routing.ShardID(2 + i%2), Entries: []*raftpb.Entry{entry(1+i/2, 7, "small")}},
		}
		require.NoError(t, h.log.Append(w))
		before, h.want = h.want, h.want.clone()
		h.want.append(w)
	}
	require.Len(t, h.log.segments, 2)
	if closed {
		require.NoError(t, h.log.Close())
	}
	return h.d.clone(), h.want, before
}

func reopen(d *disk) (twin, error) {
	cfg := small
	cfg.FS = d
	l, groups, err := Open("log", cfg)
	if err != nil {
		return nil, err
	}
	return found(groups), l.Close()
}

// requireCorrupt: the message names file, offset and remedy.
func requireCorrupt(t *testing.T, err error, file string) {
	t.Helper()
	var c *mvcc.CorruptError
	require.ErrorAs(t, err, &c)
	require.Equal(t, filepath.Join("log", file), c.File)
	require.NotEmpty(t, c.What)
	require.NotEmpty(t, c.Remedy)
	require.Contains(t, err.Error(), "at offset")
}

func TestEveryTruncationIsRefused(t *testing.T) { // P27, S17
	d, _, _ := smallLog(t, true)
	for _, name := range d.segments() {
		whole := d.names[name].cache
		for n := 0; n < len(whole); n++ {
			c := shared(d)
			c.names[name].cache = c.names[name].cache[:n]
			_, err := reopen(c)
			requireCorrupt(t, err, name)
		}
	}
}

// flips calls f with a log that has one bit flipped: every bit of the bytes in use, but
// for samples of the long runs of one letter, of the fill and of the zeros behind.
func flips(t *testing.T, d *disk, f func(c *disk, name string, offset int)) {
	t.Helper()
	for _, name := range d.segments() {
		data := d.names[name].cache
		for at := range data {
			bits := []int{at % 8}
			if data[at] == 0 && at%blockSize >= segmentHeaderEnd && at%17 != 0 {
				continue // fill: every 17th byte
			}
			if data[at] != 0 && (data[at] != 'x' || at%50 == 0) || at%blockSize < segmentHeaderEnd {
				bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
			} else if data[at] == 'x' && at%5 != 0 {
				continue // the long runs of one letter: every fifth
			}
			for _, bit := range bits {
				data[at] ^= 1 << bit
				f(d, name, at)
				data[at] ^= 1 << bit
			}
		}
	}
}

// shared is d's content without a copy: Open writes into no segment that it found, but
// puts a new file in the newest one's place.
func shared(d *disk) *disk {
	c := newDisk()
	for name, n := range d.names {
		c.names[name] = &inode{cache: n.cache, disk: n.disk, dirty: map[int]bool{}}
		c.durable[name] = c.names[name]
	}
	return c
}

func TestEveryFlipInAClosedLogIsSeen(t *testing.T) { // P27, S17
	d, want, _ := smallLog(t, true)
	text, refused := want.String(), 0
	flips(t, d, func(c *disk, name string, offset int) {
		got, err := reopen(shared(c))
		if err == nil {
			require.Equal(t, text, got.String(), "%s at %d", name, offset)
			return
		}
		requireCorrupt(t, err, name)
		refused++
	})
	require.Greater(t, refused, 1000)
}

// After a crash damage to the last batch may pass for a torn one: the batch is then
// missing whole; it is never another.
func TestEveryFlipAfterACrashIsSeenOrATornTail(t *testing.T) { // P27, P28
	d, want, before := smallLog(t, false)
	may := []string{want.String(), before.String()}
	torn := 0
	flips(t, d, func(c *disk, name string, offset int) {
		got, err := reopen(shared(c))
		if err != nil {
			requireCorrupt(t, err, name)
			return
		}
		require.Contains(t, may, got.String(), "%s at %d", name, offset)
		if got.String() == may[1] {
			require.Equal(t, d.segments()[1], name)
			torn++
		}
	})
	require.Greater(t, torn, 0)
}

func TestTornTailIsCut(t *testing.T) { // P28
	d, want, before := smallLog(t, false)
	name := d.segments()[1]
	data := d.names[name].cache
	end := len(data)
	for end > 0 && data[end-1] == 0 {
		end--
	}
	start := (end - 1) / blockSize * blockSize
	for cut := start; cut < end; cut++ {
		for _, fill := range []byte{0, 0xff, 'x'} {
			c := d.clone()
			for i := cut; i < start+2*blockSize; i++ {
				c.names[name].cache[i] = fill
			}
			got, err := reopen(c)
			require.NoError(t, err)
			require.Equal(t, before.String(), got.String(), "cut at %d", cut)
		}
	}
	got, err := reopen(d)
	require.NoError(t, err)
	require.Equal(t, want.String(), got.String())
}

func TestOldBytesOfARecycledFileDoNotPass(t *testing.T) { // P28
	d, want, _ := smallLog(t, false)
	names := d.segments()
	c := d.clone()
	old, now := c.names[names[0]].cache, c.names[names[1]].cache
	end := len(now)
	for end > 0 && now[end-1] == 0 {
		end--
	}
	at := (end + blockSize - 1) / blockSize * blockSize
	copy(now[at:], old[at:])
	require.NotEqual(t, d.names[names[1]].cache, now)
	got, err := reopen(c)
	require.NoError(t, err)
	require.Equal(t, want.String(), got.String())
}

func TestAMissingSegmentIsRefused(t *testing.T) { // P27, S17
	d, _, _ := smallLog(t, true)
	for _, name := range d.segments() {
		c := d.clone()
		delete(c.names, name)
		_, err := reopen(c)
		requireCorrupt(t, err, name)
	}
}

func TestAForeignFileIsRefused(t *testing.T) { // P27
	d, _, _ := smallLog(t, true)
	other, _, _ := smallLog(t, true)
	names := d.segments()

	c := d.clone()
	c.put(names[0], other.names[names[0]].cache)
	_, err := reopen(c)
	requireCorrupt(t, err, names[0])

	c = d.clone()
	c.put(names[0], d.names[names[1]].cache)
	_, err = reopen(c)
	requireCorrupt(t, err, names[0])

	c = d.clone()
	c.put(names[1], []byte(strings.Repeat("SQLite format 3\x00", segmentSizeMin/16)))
	_, err = reopen(c)
	requireCorrupt(t, err, names[1])

	c = d.clone()
	c.put("shard.db", []byte("what"))
	_, err = reopen(c)
	require.ErrorContains(t, err, "shard.db: the file does not belong to a raft log; move it elsewhere")

	c = d.clone()
	h := segmentHeader{}
	block := c.names[names[1]].cache
	require.Empty(t, h.decode(block))
	h.encode(block)
	_, err = reopen(c)
	require.NoError(t, err)
	reversion(c.names[names[1]].cache, formatVersion+1)
	_, err = reopen(c)
	requireCorrupt(t, err, names[1])
	require.ErrorContains(t, err, "format version 2")
}

func TestALostLogIsNotANewOne(t *testing.T) { // S17
	dir := filepath.Join(t.TempDir(), "log")
	var missing *MissingError
	_, _, err := Open(dir, small)
	require.ErrorAs(t, err, &missing)
	require.NoError(t, os.Mkdir(dir, 0o700))
	_, _, err = Open(dir, small)
	require.ErrorAs(t, err, &missing)
	cfg := small
	cfg.Create = true
	l, _, err := Open(dir, cfg)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	var exists *ExistsError
	_, _, err = Open(dir, cfg)
	require.ErrorAs(t, err, &exists)
}

// The second sync would say that all is well; the log must not ask it, and the next start
// must not believe what the page cache shows.
func TestAFailedSyncPoisonsTheLog(t *testing.T) { // P28
	h := newHistory(t, rand.New(rand.NewPCG(3, 4)))
	w := func(i uint64) []Write { return []Write{{Group: 1, Entries: []*raftpb.Entry{entry(i, 1, "a")}}} }
	require.NoError(t, h.log.Append(w(1)))
	h.d.failAt = h.d.syncs + 1
	var poisoned *PoisonedError
	err := h.log.Append(w(2))
	require.ErrorAs(t, err, &poisoned)
	require.ErrorIs(t, err, errIO)
	ops := h.d.ops
	require.ErrorAs(t, h.log.Append(w(2)), &poisoned)
	require.ErrorAs(t, h.log.Append(nil), &poisoned)
	require.Error(t, h.log.Close())
	require.Equal(t, ops, h.d.ops, "nothing touches the disk any more")

	// The process starts again, the machine did not: the cache still shows entry 2.
	groups, err := h.open(false)
	require.NoError(t, err)
	require.Len(t, groups[1].Entries, 2)
	// The power goes out: what was shown must be there.
	h.may = []twin{found(groups)}
	h.d = h.d.crash(h.r, true)
	groups, err = h.open(false)
	require.NoError(t, err)
	require.Len(t, groups[1].Entries, 2)
}

func TestAnInvalidBatchChangesNothing(t *testing.T) {
	h := newHistory(t, rand.New(rand.NewPCG(5, 6)))
	good := []Write{{Group: 1, Reset: &Position{10, 5}, Entries: []*raftpb.Entry{entry(11, 5, "a"), entry(12, 5, "b")}}}
	require.NoError(t, h.log.Append(good))
	ops := h.d.ops
	for _, entries := range [][]*raftpb.Entry{
		{entry(14, 5, "")}, {entry(10, 5, "")}, {entry(13, 5, ""), entry(15, 5, "")},
		{entry(13, 5, strings.Repeat("x", segmentSizeMin))},
	} {
		err := h.log.Append([]Write{{Group: 2, HardState: hard(1, 1, 0)}, {Group: 1, Entries: entries}})
		require.Error(t, err)
		require.False(t, errors.As(err, new(*PoisonedError)))
	}
	require.Equal(t, ops, h.d.ops)
	require.NoError(t, h.log.Append([]Write{{Group: 1, Entries: []*raftpb.Entry{entry(13, 5, "c")}}}))
	require.NoError(t, h.log.Close())
	got, err := reopen(h.d)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Len(t, got[1].entries, 3)
}

func reversion(block []byte, v uint32) {
	binary.LittleEndian.PutUint32(block[8:], v)
	binary.LittleEndian.PutUint32(block[60:], crc32.Checksum(block[:60], castagnoli))
}
