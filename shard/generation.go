package shard

import (
	"cmp"
	"slices"

	"github.com/tidwall/btree"

	"github.com/shaledb/shale/mvcc"
)

// generation is the part of the overlay that one flush writes: everything applied since the
// one before. Filling, it belongs to the loop; closed, it is only read.
type generation struct {
	number int
	rows   *overlayRows
	shared *overlayRows // handed out as part of a state, until the next change

	locks   map[mvcc.Key]lockChange
	values  map[mvcc.ValueID][]byte // large values that came with this generation's entries
	dropped []mvcc.ValueID          // large values of earlier ones whose locks are gone
	system  map[string][]byte
	meta    []mvcc.MetaRow

	dropVersions []mvcc.VersionName
	dropMarks    []mvcc.VersionName
	dropRecords  []mvcc.RecordName

	count, bytes int
	// storeOnly counts what only the store can tell once this generation is in it: large
	// values that are not in memory (their locks stood before a restart), and rows of earlier
	// generations that this one drops. Reads of the store wait until then.
	storeOnly int

	index mvcc.Index // when closed: the state that the flush leaves behind
	term  uint64
}

// lockChange is a key's lock as this generation leaves it. Stored says whether the store,
// when the generation began, had one on the key: a lock that comes and goes in between
// never reaches the batch.
type lockChange struct {
	lock   mvcc.Lock
	stands bool
	stored bool
}

func newGeneration(number int) *generation {
	return &generation{number: number, rows: btree.NewMap[mvcc.Key, overlayRow](16)}
}

// snapshot is the rows as they are now, for a State.
func (g *generation) snapshot() *overlayRows {
	if g.shared == nil {
		g.shared = g.rows.Copy()
	}
	return g.shared
}

func (g *generation) empty() bool {
	return g.count == 0 && len(g.locks) == 0 && len(g.meta) == 0 && len(g.system) == 0
}

func (g *generation) put(k mvcc.Key, row overlayRow, size int) {
	g.shared = nil
	g.rows.Set(k, row)
	g.count++
	g.bytes += size + len(k) + 96
}

func (g *generation) addCommit(v mvcc.Version) {
	row, _ := g.rows.Get(v.Key)
	row.commits = row.commits.with(v)
	g.put(v.Key, row, len(v.Value))
}

func (g *generation) addRecord(r mvcc.Record) {
	row, _ := g.rows.Get(r.Key)
	row.records = &recordNode{r, row.records}
	g.put(r.Key, row, 0)
}

// addValue notes a large value that came with an entry.
func (g *generation) addValue(id mvcc.ValueID, data []byte) {
	if g.values == nil {
		g.values = map[mvcc.ValueID][]byte{}
	}
	g.values[id] = data
}

// setLock notes that the lock stands; before is what stood on the key until now.
func (g *generation) setLock(l mvcc.Lock, hadBefore bool) {
	g.changeLock(l, true, hadBefore)
	g.bytes += len(l.Value)
}

func (g *generation) dropLock(l mvcc.Lock) { g.changeLock(l, false, true) }

func (g *generation) changeLock(l mvcc.Lock, stands, hadBefore bool) {
	if g.locks == nil {
		g.locks = map[mvcc.Key]lockChange{}
	}
	change, known := g.locks[l.Key]
	if !known {
		change.stored = hadBefore
	}
	change.lock, change.stands = l, stands
	g.locks[l.Key] = change
	g.count++
	g.bytes += len(l.Key) + 128
}

// dropValue notes that nothing refers to a large value any more.
func (g *generation) dropValue(id mvcc.ValueID) {
	if _, ours := g.values[id]; ours {
		delete(g.values, id)
		return
	}
	g.dropped = append(g.dropped, id)
}

func (g *generation) setSystem(row mvcc.SystemRow) {
	if g.system == nil {
		g.system = map[string][]byte{}
	}
	g.system[row.Name] = row.Value
	g.count++
	g.bytes += len(row.Name) + len(row.Value)
}

// drop removes garbage: rows of this generation at once, older ones by the flush.
func (g *generation) drop(rows *mvcc.Rows) {
	versions := slices.Concat(rows.DropVersions, rows.DropMarks)
	for i, n := range versions {
		mark := i >= len(rows.DropVersions)
		row, _ := g.rows.Get(n.Key)
		kept, found := row.commits.without(n, mark)
		switch {
		case found:
			row.commits = kept
			g.put(n.Key, row, 0)
		case mark:
			g.dropMarks = append(g.dropMarks, n)
		default:
			g.dropVersions = append(g.dropVersions, n)
		}
		if n.ValueID != 0 {
			g.dropValue(n.ValueID)
		}
	}
	for _, n := range rows.DropRecords {
		row, _ := g.rows.Get(n.Key)
		if kept, found := row.records.without(n); found {
			row.records = kept
			g.put(n.Key, row, 0)
			continue
		}
		g.dropRecords = append(g.dropRecords, n)
	}
	g.count += len(versions) + len(rows.DropRecords)
	g.storeOnly += len(versions) + len(rows.DropRecords)
}

// batch is the net change that the closed generation brings.
func (g *generation) batch() *mvcc.Batch {
	b := &mvcc.Batch{Index: g.index, Term: g.term, Meta: g.meta, DropVersions: g.dropVersions,
		DropMarks: g.dropMarks, DropRecords: g.dropRecords, DropValues: g.dropped}
	g.rows.Scan(func(k mvcc.Key, row overlayRow) bool {
		for n := row.commits; n != nil; n = n.older {
			addCommit(b, n.version)
		}
		for n := row.records; n != nil; n = n.older {
			b.Records = append(b.Records, n.record)
		}
		return true
	})
	for _, change := range g.locks {
		switch {
		case change.stands:
			l := change.lock
			if l.ValueID != 0 {
				l.Value = nil
			}
			b.Locks = append(b.Locks, l)
		case change.stored:
			b.DropLocks = append(b.DropLocks, change.lock.Key)
		}
	}
	for id, data := range g.values {
		b.Values = append(b.Values, mvcc.Value{ID: id, Data: data})
	}
	for name, value := range g.system {
		b.System = append(b.System, mvcc.SystemRow{Name: name, Value: value})
	}
	slices.SortFunc(b.Locks, func(x, y mvcc.Lock) int { return cmp.Compare(x.Key, y.Key) })
	slices.Sort(b.DropLocks)
	slices.SortFunc(b.Values, func(x, y mvcc.Value) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(b.System, func(x, y mvcc.SystemRow) int { return cmp.Compare(x.Name, y.Name) })
	return b
}

// addCommit puts a version or mark of the overlay into the batch. A version whose value is
// large goes without it: the value is a row of its own.
func addCommit(b *mvcc.Batch, v mvcc.Version) {
	if v.Op == mvcc.OpMark {
		b.Marks = append(b.Marks, mvcc.Mark{Key: v.Key, CommitTS: v.CommitTS, StartTS: v.StartTS, Digest: v.Digest})
		return
	}
	if v.ValueID != 0 {
		v.Value = nil
	}
	b.Versions = append(b.Versions, v)
}
