package sqlite

import (
	"database/sql/driver"
	"fmt"
	"os"

	"github.com/shaledb/shale/mvcc"
)

// Copy writes the state to a new file, in one go under one read transaction (S20: a backup
// in steps begins anew with every commit beside it), and makes it durable. The writer goes
// on meanwhile. It returns where the copy stands.
func (s *Store) Copy(dst string) (mvcc.Index, uint64, error) {
	c, err := connect(s.path, "rw", "busy_timeout=5000", "wal_autocheckpoint=0")
	if err != nil {
		return 0, 0, err
	}
	err = c.exec("VACUUM INTO ?", dst)
	if e := c.close(); err == nil {
		err = e
	}
	if err != nil {
		return 0, 0, err
	}
	index, term, err := standing(dst)
	if err != nil {
		return 0, 0, err
	}
	return index, term, syncFile(dst)
}

// standing reads where a closed file stands.
func standing(path string) (mvcc.Index, uint64, error) {
	c, err := connect(path, "ro")
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	return c.at()
}

// Verify reads a closed file whole and checks every row against its checksum: what came
// from another node is looked at before it replaces anything.
func Verify(path string) error {
	if err := checkHeader(path); err != nil {
		return err
	}
	c, err := connect(path, "ro")
	if err != nil {
		return err
	}
	defer c.close()
	if _, _, err := c.at(); err != nil {
		return err
	}
	checks := []struct {
		sql   string
		check func([]driver.Value) error
	}{
		{versionColumns, func(r []driver.Value) error { _, err := c.joined(r); return err }},
		{sqlLocks, func(r []driver.Value) error { _, err := c.lock(r); return err }},
		{`SELECT key, commit_ts, start_ts, digest, sum FROM raw_marks`,
			func(r []driver.Value) error { _, err := c.mark(r); return err }},
		{`SELECT start_ts, key, decision, commit_ts, digest, sum FROM raw_txns`,
			func(r []driver.Value) error { _, err := c.record(r); return err }},
		{sqlMeta, func(r []driver.Value) error { _, _, err := c.named("meta", r); return err }},
		{sqlSystem, func(r []driver.Value) error { _, _, err := c.named("system", r); return err }},
	}
	for _, k := range checks {
		err := c.query(k.sql, func(r []driver.Value) (bool, error) { return true, k.check(r) })
		if err != nil {
			return err
		}
	}
	return nil
}

// MakeSpan makes, at dst, the store of the right part of a split: the rows of the span as
// they are now, with meta rows and a standing of its own. Values beside their rows are
// numbered anew, in the same way on every replica, below all ids that the right's own log
// will give: its indexes begin where the left's have been.
func (s *Store) MakeSpan(dst string, span mvcc.Span, meta []mvcc.MetaRow, index mvcc.Index, term uint64) error {
	if err := Create(dst, meta, nil, index, term); err != nil {
		return err
	}
	c, err := connect(s.path, "rw", "busy_timeout=5000", "wal_autocheckpoint=0", "synchronous=OFF",
		"temp_store=MEMORY")
	if err != nil {
		return err
	}
	err = c.copySpan(dst, span)
	if e := c.close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := renumber(dst); err != nil {
		return err
	}
	return syncFile(dst)
}

// spanTables are the tables whose rows belong to keys.
func spanTables() []string { return []string{"raw_versions", "raw_locks", "raw_marks", "raw_txns"} }

func (c *conn) copySpan(dst string, span mvcc.Span) error {
	if err := c.exec("ATTACH ? AS dst", dst); err != nil {
		return err
	}
	if err := c.exec("PRAGMA dst.journal_mode=MEMORY"); err != nil {
		return err
	}
	where, args := "key >= ?", []driver.Value{[]byte(span.Start)}
	if span.End != "" {
		where, args = where+" AND key < ?", append(args, []byte(span.End))
	}
	if err := c.exec("BEGIN"); err != nil { // reads the left, writes the right alone
		return err
	}
	for _, table := range spanTables() {
		sql := fmt.Sprintf("INSERT INTO dst.%s SELECT * FROM main.%s WHERE %s", table, table, where)
		if err := c.exec(sql, args...); err != nil {
			return err
		}
	}
	err := c.exec(`INSERT INTO dst.raw_values SELECT d.* FROM main.raw_values d WHERE d.id IN (
  SELECT value_id FROM dst.raw_versions WHERE value_id <> 0
  UNION ALL SELECT value_id FROM dst.raw_locks WHERE value_id <> 0)`)
	if err != nil {
		return err
	}
	if err := c.exec("COMMIT"); err != nil {
		return err
	}
	return c.exec("DETACH dst")
}

// renumber gives the values beside their rows the ids -1, -2, …, in the order of the old ones.
func renumber(path string) error {
	c, err := connect(path, "rw", "journal_mode=MEMORY", "synchronous=OFF")
	if err != nil {
		return err
	}
	defer c.close()
	return c.transaction(func() error {
		var ids []int64
		err := c.query(`SELECT id FROM raw_values ORDER BY id`, func(row []driver.Value) (bool, error) {
			ids = append(ids, integer(row[0]))
			return true, nil
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		// Old ids of an earlier split are negative themselves: go through a map, by rows.
		anew := make(map[mvcc.ValueID]mvcc.ValueID, len(ids))
		for i, id := range ids {
			anew[mvcc.ValueID(id)] = mvcc.ValueID(-int64(i) - 1)
		}
		return c.renumberRows(anew)
	})
}

func (c *conn) renumberRows(anew map[mvcc.ValueID]mvcc.ValueID) error {
	b := &mvcc.Batch{}
	var drop []mvcc.ValueID
	err := c.query(versionColumns+` WHERE v.value_id <> 0`, func(row []driver.Value) (bool, error) {
		v, err := c.joined(row)
		drop = append(drop, v.ValueID)
		v.ValueID = anew[v.ValueID]
		b.Values = append(b.Values, mvcc.Value{ID: v.ValueID, Data: v.Value})
		v.Value = nil
		b.Versions = append(b.Versions, v)
		return true, err
	})
	if err != nil {
		return err
	}
	err = c.query(sqlLocks, func(row []driver.Value) (bool, error) {
		l, err := c.lock(row)
		if err != nil || l.ValueID == 0 {
			return true, err
		}
		data, err := c.valueOf(l.ValueID)
		drop = append(drop, l.ValueID)
		l.ValueID = anew[l.ValueID]
		b.Values = append(b.Values, mvcc.Value{ID: l.ValueID, Data: data})
		b.Locks = append(b.Locks, l)
		return true, err
	})
	if err != nil {
		return err
	}
	if err := c.drop(&mvcc.Batch{DropValues: drop}); err != nil {
		return err
	}
	if err := c.writeVersions(b); err != nil {
		return err
	}
	return c.writeLocks(b)
}

// valueOf is a value beside its row.
func (c *conn) valueOf(id mvcc.ValueID) (data []byte, err error) {
	found := false
	err = c.query(`SELECT data, sum FROM raw_values WHERE id = ?`, func(row []driver.Value) (bool, error) {
		data, found = blob(row[0]), true
		if c.sums.value(id, data) != integer(row[1]) {
			return false, c.rotten("raw_values", int64(id))
		}
		return false, nil
	}, int64(id))
	if err == nil && !found {
		err = c.rotten("raw_values", int64(id))
	}
	return data, err
}

// DeleteOutside deletes some of the rows, limit of each table at most, whose keys lie outside
// the span: what a split left behind. More: there are others. Not durable by itself; asked
// again after a crash it goes on.
func (s *Store) DeleteOutside(span mvcc.Span, limit int) (more bool, err error) {
	where, args := "key < ?", []driver.Value{[]byte(span.Start)}
	if span.End != "" {
		where, args = where+" OR key >= ?", append(args, []byte(span.End))
	}
	args = append(args, int64(limit))
	c := s.writer
	err = c.transaction(func() error {
		for _, t := range []struct{ table, key string }{
			{"raw_versions", "key, commit_ts, start_ts"}, {"raw_locks", "key"},
			{"raw_marks", "key, commit_ts, start_ts"}, {"raw_txns", "start_ts, key"},
		} {
			pick := fmt.Sprintf("FROM %s WHERE %s LIMIT ?", t.table, where)
			if t.table == "raw_versions" || t.table == "raw_locks" {
				err := c.run("DELETE FROM raw_values WHERE id IN (SELECT value_id "+pick+")", args...)
				if err != nil {
					return err
				}
			}
			err := c.run(fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT %s %s)", t.table, t.key, t.key, pick), args...)
			if err != nil {
				return err
			}
			n, err := c.number("SELECT changes()")
			if err != nil {
				return err
			}
			more = more || n >= int64(limit)
		}
		return nil
	})
	return more, err
}

// Remove deletes a store's file with what SQLite keeps beside it.
func Remove(path string) error {
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(p); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
