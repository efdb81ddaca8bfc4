package sqlite

// applicationID marks the file as shale's ("shAl"), userVersion counts the schema.
const (
	applicationID = 0x7368416c
	userVersion   = 2 // 2: locks of asynchronous commits
)

// pageSize is chosen by measurement: see DESIGN.md.
const pageSize = 8192

// schema makes an empty file. The raw_ tables are what the engine reads and writes; every
// row carries its checksum. The views are for people and tools.
const schema = `
CREATE TABLE raw_versions (
  key       BLOB    NOT NULL,
  commit_ts INTEGER NOT NULL,
  start_ts  INTEGER NOT NULL,
  op        INTEGER NOT NULL,
  value     BLOB,
  value_id  INTEGER NOT NULL,
  digest    BLOB,
  sum       INTEGER NOT NULL,
  PRIMARY KEY (key, commit_ts DESC, start_ts)
) WITHOUT ROWID;
CREATE TABLE raw_values (
  id   INTEGER PRIMARY KEY,
  data BLOB    NOT NULL,
  sum  INTEGER NOT NULL
);
CREATE TABLE raw_locks (
  key           BLOB    PRIMARY KEY NOT NULL,
  start_ts      INTEGER NOT NULL,
  primary_key   BLOB    NOT NULL,
  kind          INTEGER NOT NULL,
  min_commit_ts INTEGER NOT NULL,
  expires       INTEGER NOT NULL,
  digest        BLOB,
  value         BLOB,
  value_id      INTEGER NOT NULL,
  async         INTEGER NOT NULL,
  secondaries   BLOB,
  sum           INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE raw_marks (
  key       BLOB    NOT NULL,
  commit_ts INTEGER NOT NULL,
  start_ts  INTEGER NOT NULL,
  digest    BLOB,
  sum       INTEGER NOT NULL,
  PRIMARY KEY (key, commit_ts DESC, start_ts)
) WITHOUT ROWID;
CREATE TABLE raw_txns (
  start_ts  INTEGER NOT NULL,
  key       BLOB    NOT NULL,
  decision  INTEGER NOT NULL,
  commit_ts INTEGER NOT NULL,
  digest    BLOB,
  sum       INTEGER NOT NULL,
  PRIMARY KEY (start_ts, key)
) WITHOUT ROWID;
CREATE TABLE meta (
  name  TEXT    PRIMARY KEY NOT NULL,
  value BLOB,
  sum   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE system (
  name  TEXT    PRIMARY KEY NOT NULL,
  value BLOB,
  sum   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE VIEW versions AS
  SELECT v.key, v.commit_ts, v.start_ts,
    CASE v.op WHEN 1 THEN 'put' WHEN 2 THEN 'delete' ELSE v.op END AS op,
    CASE v.value_id WHEN 0 THEN v.value
      ELSE (SELECT d.data FROM raw_values d WHERE d.id = v.value_id) END AS value
  FROM raw_versions v;
CREATE VIEW locks AS
  SELECT l.key, l.start_ts, l.primary_key,
    CASE l.kind WHEN 1 THEN 'put' WHEN 2 THEN 'delete' WHEN 3 THEN 'check' WHEN 4 THEN 'claim' ELSE l.kind END AS kind,
    l.min_commit_ts, l.expires,
    CASE l.value_id WHEN 0 THEN l.value
      ELSE (SELECT d.data FROM raw_values d WHERE d.id = l.value_id) END AS value,
    l.async, l.secondaries
  FROM raw_locks l;
CREATE VIEW marks AS SELECT key, commit_ts, start_ts FROM raw_marks;
CREATE VIEW txns AS
  SELECT start_ts, key,
    CASE decision WHEN 1 THEN 'committed' WHEN 2 THEN 'aborted' WHEN 3 THEN 'fenced' ELSE decision END AS state,
    CASE commit_ts WHEN 0 THEN NULL ELSE commit_ts END AS commit_ts
  FROM raw_txns;
CREATE VIEW readable AS
  SELECT CAST(key AS TEXT) AS key_text,
    strftime('%Y-%m-%d %H:%M:%f', (commit_ts >> 18) / 1000.0, 'unixepoch') AS commit_time,
    op, CAST(value AS TEXT) AS value_text, commit_ts, start_ts
  FROM versions;
`

// The statements, one for each purpose. A connection prepares the ones it uses and keeps
// them.
const (
	versionColumns = `SELECT v.key, v.commit_ts, v.start_ts, v.op, v.value, v.value_id, v.digest, v.sum, d.data, d.sum
  FROM raw_versions v LEFT JOIN raw_values d ON d.id = v.value_id AND v.value_id <> 0`
	bareColumns = `SELECT v.key, v.commit_ts, v.start_ts, v.op, v.value, v.value_id, v.digest, v.sum
  FROM raw_versions v`

	sqlGet      = bareColumns + ` WHERE v.key = ? AND v.commit_ts <= ? ORDER BY v.commit_ts DESC LIMIT 1`
	sqlScan     = bareColumns + ` WHERE v.key >= ? ORDER BY v.key, v.commit_ts DESC`
	sqlRest     = bareColumns + ` WHERE v.key = ? AND v.commit_ts <= ? ORDER BY v.commit_ts DESC`
	sqlBack     = bareColumns + ` WHERE v.key < ? ORDER BY v.key DESC, v.commit_ts LIMIT 1`
	sqlBackLast = bareColumns + ` ORDER BY v.key DESC, v.commit_ts LIMIT 1`
	sqlOwn      = bareColumns + ` WHERE v.key = ? AND v.commit_ts >= ? AND v.start_ts = ? LIMIT 1`

	sqlValue = `SELECT data, sum FROM raw_values WHERE id = ?`

	sqlMark    = `SELECT key, commit_ts, start_ts, digest, sum FROM raw_marks WHERE key = ? ORDER BY commit_ts DESC LIMIT 1`
	sqlOwnMark = `SELECT key, commit_ts, start_ts, digest, sum FROM raw_marks WHERE key = ? AND start_ts = ? LIMIT 1`
	sqlRecord  = `SELECT start_ts, key, decision, commit_ts, digest, sum FROM raw_txns WHERE start_ts = ? AND key = ?`
	sqlRecords = `SELECT start_ts, key, decision, commit_ts, digest, sum FROM raw_txns WHERE (start_ts, key) > (?, ?)
  ORDER BY start_ts, key`

	sqlLocks = `SELECT key, start_ts, primary_key, kind, min_commit_ts, expires, digest, value, value_id,
  async, secondaries, sum FROM raw_locks`
	sqlMeta   = `SELECT name, value, sum FROM meta`
	sqlSystem = `SELECT name, value, sum FROM system`
	sqlAt     = `SELECT name, value, sum FROM meta WHERE name IN ('applied_index', 'applied_term')`

	sqlPutVersion = `REPLACE INTO raw_versions (key, commit_ts, start_ts, op, value, value_id, digest, sum) VALUES (?,?,?,?,?,?,?,?)`
	sqlPutValue   = `REPLACE INTO raw_values (id, data, sum) VALUES (?,?,?)`
	sqlPutLock    = `REPLACE INTO raw_locks (key, start_ts, primary_key, kind, min_commit_ts, expires, digest, value, value_id,
  async, secondaries, sum) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`
	sqlPutMark   = `REPLACE INTO raw_marks (key, commit_ts, start_ts, digest, sum) VALUES (?,?,?,?,?)`
	sqlPutRecord = `REPLACE INTO raw_txns (start_ts, key, decision, commit_ts, digest, sum) VALUES (?,?,?,?,?,?)`
	sqlPutMeta   = `REPLACE INTO meta (name, value, sum) VALUES (?,?,?)`
	sqlPutSystem = `REPLACE INTO system (name, value, sum) VALUES (?,?,?)`

	sqlDropLock    = `DELETE FROM raw_locks WHERE key = ?`
	sqlDropVersion = `DELETE FROM raw_versions WHERE key = ? AND commit_ts = ? AND start_ts = ?`
	sqlDropValue   = `DELETE FROM raw_values WHERE id = ?`
	sqlDropMark    = `DELETE FROM raw_marks WHERE key = ? AND commit_ts = ? AND start_ts = ?`
	sqlDropRecord  = `DELETE FROM raw_txns WHERE start_ts = ? AND key = ?`
	sqlDropMeta    = `DELETE FROM meta WHERE name = ?`
	sqlDropSystem  = `DELETE FROM system WHERE name = ?`
)

// The engine's own meta rows.
const (
	metaIndex = "applied_index"
	metaTerm  = "applied_term"
)
