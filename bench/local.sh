#!/usr/bin/env bash
# YCSB's mixes and the bank on three shale processes on this machine: a first look. For a
# comparison with another store see peers/run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DURATION=${DURATION:-15s}
THREADS=${THREADS:-32}

dir=$(mktemp -d)
base=${PORT:-$((20000 + RANDOM % 20000))}
hosts="127.0.0.1:$base,127.0.0.1:$((base + 1)),127.0.0.1:$((base + 2))"
export SHALE_HOST=$hosts
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

for i in 0 1 2; do
  bin/shale start --store "$dir/n$i" --listen "127.0.0.1:$((base + i))" \
    --join "$hosts" --insecure >"$dir/n$i.log" 2>&1 &
  pids+=($!)
done
tries=0
until bin/shale init --host "${hosts%%,*}" >&2; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo 'the cluster does not come up' >&2; exit 1; }
  sleep 0.5
done
for key in bank/account/000005 bank/ledger/00 bank/ledger/80 user1 user3 user5 user7; do
  bin/shale shard split "$key" >&2
done
for letter in a b c d e f; do
  echo "== YCSB $letter"
  bin/shale bench ycsb -P "workload$letter" -p recordcount=10000 --threads "$THREADS" --duration "$DURATION"
done
echo '== bank'
bin/shale bench bank --threads "$THREADS" --duration "$DURATION"
