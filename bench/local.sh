#!/usr/bin/env bash
# YCSB's mixes and the bank on three shale processes on this machine: a first look. For a
# comparison with another store see peers/run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DURATION=${DURATION:-15s}
THREADS=${THREADS:-32}

. bench/cluster.sh
for key in bank/account/000005 bank/ledger/00 bank/ledger/80 user1 user3 user5 user7; do
  bin/shale shard split "$key" >&2
done
for letter in a b c d e f; do
  echo "== YCSB $letter"
  bin/shale bench ycsb -P "workload$letter" -p recordcount=10000 --threads "$THREADS" --duration "$DURATION"
done
echo '== bank'
bin/shale bench bank --threads "$THREADS" --duration "$DURATION"
