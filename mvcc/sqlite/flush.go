package sqlite

import (
	"bytes"
	"database/sql/driver"
	"strconv"

	"github.com/shaledb/shale/mvcc"
)

// Flush writes a batch in one transaction. Durable makes SQLite sync its write-ahead log at
// the commit, and with it all that was committed before (S14: a checkpoint is no substitute,
// it may sync nothing at all).
func (s *Store) Flush(b *mvcc.Batch, durable bool) error {
	c := s.writer
	commit := func() error { return c.transaction(func() error { return c.write(b) }) }
	var err error
	if durable {
		err = c.durably(commit)
	} else {
		err = commit()
	}
	if err == nil && s.cfg.Values != nil {
		for i := range b.Values {
			s.cfg.Values.put(valueName{s.space, b.Values[i].ID}, bytes.Clone(b.Values[i].Data))
		}
	}
	return err
}

// durably runs f with syncs at its commits.
func (c *conn) durably(f func() error) error {
	if err := c.exec("PRAGMA synchronous=FULL"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return c.exec("PRAGMA synchronous=NORMAL")
}

// transaction runs f in one transaction, begun as a writer (P26: one begun as a reader fails
// at once when it wants to write).
func (c *conn) transaction(f func() error) error {
	if err := c.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.run("COMMIT")
	}
	if err != nil {
		_ = c.run("ROLLBACK") // may have happened already; the first error is what counts
	}
	return err
}

// script runs a text of several statements.
func (c *conn) script(sql string) error { return c.exec(sql) }

func (c *conn) write(b *mvcc.Batch) error {
	for _, step := range []func(*mvcc.Batch) error{c.writeVersions, c.writeLocks, c.writeRecords, c.drop, c.writeNamed} {
		if err := step(b); err != nil {
			return err
		}
	}
	return nil
}

// column is what is stored in the row itself: nothing where the value lies beside it.
func column(id mvcc.ValueID, value []byte) ([]byte, driver.Value) {
	if id != 0 || value == nil {
		return nil, nil
	}
	return value, value
}

func (c *conn) writeVersions(b *mvcc.Batch) error {
	for i := range b.Values {
		v := &b.Values[i]
		data := v.Data
		if data == nil {
			data = []byte{}
		}
		if err := c.run(sqlPutValue, int64(v.ID), data, c.sums.value(v.ID, data)); err != nil {
			return err
		}
	}
	for i := range b.Versions {
		v := &b.Versions[i]
		inline, value := column(v.ValueID, v.Value)
		err := c.run(sqlPutVersion, []byte(v.Key), int64(v.CommitTS), int64(v.StartTS), int64(v.Op), value,
			int64(v.ValueID), digestColumn(v.Digest), c.sums.version(v, inline))
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) writeLocks(b *mvcc.Batch) error {
	for i := range b.Locks {
		l := &b.Locks[i]
		inline, value := column(l.ValueID, l.Value)
		secondaries := packKeys(l.Secondaries)
		_, others := column(0, secondaries)
		err := c.run(sqlPutLock, []byte(l.Key), int64(l.StartTS), []byte(l.Primary), int64(l.Kind),
			int64(l.MinCommitTS), int64(l.Expires), digestColumn(l.Digest), value, int64(l.ValueID),
			flag(l.Async), others, c.sums.lock(l, inline, secondaries))
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) writeRecords(b *mvcc.Batch) error {
	for i := range b.Marks {
		m := &b.Marks[i]
		err := c.run(sqlPutMark, []byte(m.Key), int64(m.CommitTS), int64(m.StartTS), digestColumn(m.Digest),
			c.sums.mark(m))
		if err != nil {
			return err
		}
	}
	for i := range b.Records {
		r := &b.Records[i]
		err := c.run(sqlPutRecord, int64(r.StartTS), []byte(r.Key), int64(r.Decision), int64(r.CommitTS),
			digestColumn(r.Digest), c.sums.record(r))
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) drop(b *mvcc.Batch) error {
	for _, k := range b.DropLocks {
		if err := c.run(sqlDropLock, []byte(k)); err != nil {
			return err
		}
	}
	for _, n := range b.DropVersions {
		if err := c.run(sqlDropVersion, []byte(n.Key), int64(n.CommitTS), int64(n.StartTS)); err != nil {
			return err
		}
	}
	for _, n := range b.DropMarks {
		if err := c.run(sqlDropMark, []byte(n.Key), int64(n.CommitTS), int64(n.StartTS)); err != nil {
			return err
		}
	}
	for _, n := range b.DropRecords {
		if err := c.run(sqlDropRecord, int64(n.StartTS), []byte(n.Key)); err != nil {
			return err
		}
	}
	for _, id := range b.DropValues {
		if err := c.run(sqlDropValue, int64(id)); err != nil {
			return err
		}
	}
	return nil
}

// writeNamed writes the meta and system rows and where the state then stands.
func (c *conn) writeNamed(b *mvcc.Batch) error {
	for _, m := range b.Meta {
		if err := c.putNamed("meta", sqlPutMeta, sqlDropMeta, m.Name, m.Value); err != nil {
			return err
		}
	}
	for _, r := range b.System {
		if err := c.putNamed("system", sqlPutSystem, sqlDropSystem, r.Name, r.Value); err != nil {
			return err
		}
	}
	index := strconv.AppendUint(nil, uint64(b.Index), 10)
	if err := c.putNamed("meta", sqlPutMeta, sqlDropMeta, metaIndex, index); err != nil {
		return err
	}
	return c.putNamed("meta", sqlPutMeta, sqlDropMeta, metaTerm, strconv.AppendUint(nil, b.Term, 10))
}

func (c *conn) putNamed(table, put, drop, name string, value []byte) error {
	if value == nil {
		return c.run(drop, name)
	}
	return c.run(put, name, value, c.sums.named(table[0], name, value))
}
