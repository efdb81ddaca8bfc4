#!/usr/bin/env bash
# What looking inside costs, on three shale processes on this machine, all in one run:
#
#   point   a value by its key: kv get, SQL with the key pushed down, median of RUNS commands
#   scan    every version of a shard of RECORDS JSON texts: SQL through the cluster, beside the
#           sqlite3 program on the leader's file
#   bench   the p99 of YCSB B alone, and while whole shards are scanned one after the other
#
#   RECORDS=100000 RUNS=15 DURATION=15s bench/look.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RECORDS=${RECORDS:-100000}
RUNS=${RUNS:-15}
DURATION=${DURATION:-15s}
THREADS=${THREADS:-16}

. bench/cluster.sh

bin/shale bench ycsb -P workloadb -p recordcount=10000 --split 4 \
  --threads "$THREADS" --duration 1s --quiet >&2
bin/shale shard split person/ >&2
for from in $(seq 0 10000 $((RECORDS - 1))); do
  bin/shale sql --write -e "INSERT INTO kv (key, value)
    WITH RECURSIVE n(i) AS (SELECT $from UNION ALL SELECT i + 1 FROM n WHERE i < $((from + 9999)))
    SELECT printf('person/%07d', i),
      printf('{\"name\":\"person %d\",\"born\":%d,\"city\":\"city/%d\",\"balance\":%d}', i, 1930 + i % 90, i % 997, i * 37)
    FROM n" >/dev/null
done

# millis COMMAND… prints how long it took.
millis() {
  local began ended
  began=$(date +%s%N)
  "$@" >/dev/null
  ended=$(date +%s%N)
  echo $(((ended - began) / 1000000))
}
# median COMMAND… prints the median of RUNS runs in ms.
median() {
  for _ in $(seq "$RUNS"); do millis "$@"; done | sort -n | sed -n "$(((RUNS + 1) / 2))p"
}

key=person/0000042
get=$(median bin/shale kv get "$key")
sql=$(median bin/shale sql -e "SELECT value FROM latest WHERE key_text = '$key'")
version=$(median bin/shale sql -e "SELECT commit_ts, value FROM versions WHERE key = '$key'")
echo "point: kv get $get ms, latest $sql ms, versions $version ms (whole commands, medians of $RUNS)"

shard=$(bin/shale sql -e 'SELECT shard FROM versions GROUP BY shard ORDER BY count(*) DESC LIMIT 1' -o csv | tail -n 1)
leader=$(bin/shale sql -e "SELECT leader FROM shards WHERE shard = $shard" -o csv | tail -n 1)
file=
for i in 0 1 2; do
  grep -q "\"[a-zA-Z]*[nN]ode[a-zA-Z]*\": *$leader\b" "$dir/n$i/node.json" && file="$dir/n$i/shards/$shard/shard.db"
done
file=${file:-$dir/n0/shards/$shard/shard.db}
rows=$(bin/shale sql -e "SELECT count(*) FROM versions WHERE shard = $shard" -o csv | tail -n 1)
select='SELECT key, commit_ts, start_ts, op, value FROM versions'
for _ in 1 2 3; do
  raw=$(millis sqlite3 -readonly -csv "$file" "$select")
  whole=$(millis bin/shale sql -o csv -e "$select WHERE shard = $shard")
  echo "scan: $rows rows, sqlite3 $raw ms ($((rows * 1000 / raw))/s), shale sql $whole ms ($((rows * 1000 / whole))/s," \
    "$((100 * raw / whole)) %)"
done

p99() { # of reads and updates of a run
  bin/shale bench ycsb -P workloadb -p recordcount=10000 --skip-prepare --quiet \
    --threads "$THREADS" --duration "$DURATION" -o json |
    grep -oE '"(kind|p99Ms)": *"?[a-zA-Z0-9.]+' | sed -E 's/"(kind|p99Ms)": *"?//' | paste -sd ' '
}
echo "bench alone:           $(p99)"
while :; do
  bin/shale sql -o csv -e "SELECT key, value FROM versions WHERE shard = $shard" >/dev/null || break
done &
looker=$!
echo "bench while scanned:   $(p99)"
kill "$looker" 2>/dev/null || true
echo "bench alone, again:    $(p99)"
