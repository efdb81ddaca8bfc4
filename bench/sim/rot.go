package sim

import (
	"errors"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/shaledb/shale/mvcc"
	"github.com/shaledb/shale/shard/raftlog"
	"github.com/shaledb/shale/shard/routing"
	"github.com/shaledb/shale/timestamp"
)

// flip is one bit of a file that is not as it was written.
type flip struct {
	name string
	n    *inode
	at   int
	bit  byte
}

func (f *flip) turn() {
	for _, pages := range [...][]*page{f.n.cache, f.n.disk} {
		i := f.at / pageSize
		if i >= len(pages) {
			continue
		}
		p := page{}
		if pages[i] != nil {
			p = *pages[i]
		}
		p[f.at%pageSize] ^= f.bit
		pages[i] = &p
	}
}

// flip flips a bit that is safely on the disk. The last batch is spared: after a crash, damage
// to it cannot be told from a batch that was torn (see package raftlog).
func (f *folder) flip(w *world) bool {
	var files []string
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		if strings.HasSuffix(name, ".log") {
			files = append(files, name)
		}
	}
	for range 50 {
		name := pick(w, files)
		n := f.names[name]
		i, at := w.rng.IntN(len(n.disk)), w.rng.IntN(pageSize)
		if n.disk[i] == nil || n.disk[i][at] == 0 && !w.chance(0.1) || len(n.dirty) > 0 ||
			n == f.last.n && i >= f.last.from && i < f.last.to {
			continue
		}
		f.flipped = &flip{name, n, i*pageSize + at, 1 << w.rng.IntN(8)}
		f.flipped.turn()
		return true
	}
	return false
}

// mended is a copy of the folder without the flipped bit.
func (f *folder) mended() *folder {
	f.flipped.turn()
	whole := newFolder()
	for name, n := range f.names {
		c := &inode{cache: slices.Clone(n.cache), disk: slices.Clone(n.disk)}
		whole.names[name], whole.durable[name] = c, c
	}
	f.flipped.turn()
	return whole
}

// checkFlip: a log with a flipped bit that was opened all the same holds what it held without.
func (p *process) checkFlip(at *flip, whole *folder, got map[routing.ShardID]*raftlog.Replayed) {
	log, want, err := raftlog.Open(p.name, raftlog.Config{FS: whole, SegmentSize: p.w.set.segment})
	if err != nil {
		p.w.fail("node %d: its log cannot be read: %v", p.id, err)
		return
	}
	_ = log.Close()
	for s, r := range want {
		g := got[s]
		if g == nil || g.CutIndex != r.CutIndex || g.CutTerm != r.CutTerm || len(g.Entries) != len(r.Entries) ||
			!reflect.DeepEqual(g.HardState.String(), r.HardState.String()) {
			p.w.fail("node %d: a flipped bit in %s at %d changed its log, and nobody noticed", p.id, at.name, at.at)
			return
		}
		for i, e := range r.Entries {
			if g.Entries[i].String() != e.String() {
				p.w.fail("node %d: a flipped bit in %s at %d changed entry %d, and nobody noticed", p.id, at.name,
					at.at, e.GetIndex())
			}
		}
	}
}

// rotten views a store of which some rows do not match their checksums: it says so, whatever
// was asked for.
type rotten struct {
	mvcc.View
	keys map[mvcc.Key]bool
}

func (v rotten) bad(k mvcc.Key) error {
	if !v.keys[k] {
		return nil
	}
	return v.damage("versions " + mvcc.FormatKey(k))
}

func (rotten) damage(row string) error {
	return &mvcc.CorruptError{File: "memory", Offset: -1, Row: row, What: "the row does not match its checksum",
		Remedy: "copy the shard's folder from another node"}
}

func (v rotten) Get(k mvcc.Key, at timestamp.Timestamp) (mvcc.Version, bool, error) {
	if err := v.bad(k); err != nil {
		return mvcc.Version{}, false, err
	}
	return v.View.Get(k, at)
}

func (v rotten) Facts(keys []mvcc.Key, start timestamp.Timestamp) ([]mvcc.Fact, error) {
	for _, k := range keys {
		if err := v.bad(k); err != nil {
			return nil, err
		}
	}
	return v.View.Facts(keys, start)
}

func (v rotten) Scan(span mvcc.Span, at timestamp.Timestamp, reverse, keysOnly bool) iter.Seq2[mvcc.Version, error] {
	return func(yield func(mvcc.Version, error) bool) {
		for version, err := range v.View.Scan(span, at, reverse, keysOnly) {
			if err == nil {
				err = v.bad(version.Key)
			}
			if err != nil {
				yield(mvcc.Version{}, err)
				return
			}
			if !yield(version, nil) {
				return
			}
		}
	}
}

// flipRow damages a row of a store.
func (w *world) flipRow(p *process) {
	var with []*member
	for _, m := range p.members {
		if m.store != nil && m.shard != routing.SystemShard && m.rotten == nil {
			with = append(with, m)
		}
	}
	if len(with) == 0 {
		return
	}
	m := pick(w, with)
	m.rotten, m.pooled = map[mvcc.Key]bool{}, nil
	if rows := w.rowsOf(m); len(rows.versions) > 0 {
		for range 3 {
			m.rotten[pick(w, rows.versions).Key] = true
		}
		w.happened(RowBitFlipped)
		w.remark(p, "rows of shard %d are damaged", m.shard)
	}
}

// flipLog damages the log of a node, which is found out when it next comes up.
func (w *world) flipLog(p *process) {
	if !p.up || p.disk.folder.flipped != nil || !p.disk.folder.flip(w) {
		return
	}
	w.happened(LogBitFlipped)
	w.remark(p, "a bit of %s is flipped at %d", p.disk.folder.flipped.name, p.disk.folder.flipped.at)
	w.after(w.between(0, time.Second), p, note{kind: "kill", node: p.id}, func() { w.killNode(p, w.chance(0.6)) })
}

func corrupt(err error) bool {
	var bad *mvcc.CorruptError
	return errors.As(err, &bad)
}
