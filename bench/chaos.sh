#!/usr/bin/env bash
# Work on three real processes while leaders are killed (kill -9) and started again, or paused.
#
# WORK=bank: transfers, and at the end all three nodes are killed at once. The bank checks its
# total in snapshot scans all the while, and at the end every transfer, one by one, twice:
# after the run and after the common death.
#
# WORK=append: transactions of every kind on lists over eight shards; every second leader is
# paused instead of killed. Their history is checked for anomalies under CHECK (si or
# serializable), and kept as HISTORY where that is set.
#
#   DURATION=60 EVERY=10 THREADS=32 bench/chaos.sh
#   WORK=append CHECK=serializable bench/chaos.sh
#
# The folder with stores and logs is kept where something failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

DURATION=${DURATION:-60}
EVERY=${EVERY:-10}
THREADS=${THREADS:-32}
WORK=${WORK:-bank}
CHECK=${CHECK:-si}

dir=$(mktemp -d)
base=${PORT:-$((20000 + RANDOM % 20000))}
hosts="127.0.0.1:$base,127.0.0.1:$((base + 1)),127.0.0.1:$((base + 2))"
export SHALE_HOST=$hosts
pids=(0 0 0)

say() { printf '%s %s\n' "$(date +%T)" "$*" >&2; }

start() { # start NODE, counted from 0
  bin/shale start --store "$dir/n$1" --listen "127.0.0.1:$((base + $1))" \
    --join "$hosts" --insecure >>"$dir/n$1.log" 2>&1 &
  pids[$1]=$!
}

finish() {
  local status=$?
  for pid in "${pids[@]}"; do [ "$pid" = 0 ] || kill -9 "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ "$status" = 0 ]; then rm -rf "$dir"; else say "failed; stores and logs: $dir"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

patiently() {
  local tries=0
  until "$@" >&2; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { say "gave up: $*"; exit 1; }
    sleep 0.5
  done
}

# leader_of KEYSHARD prints the leading node of the shard that is Nth in the list.
leader_of() {
  bin/shale shard ls -o jsonl 2>/dev/null | sed -n "$1p" |
    sed -nE 's/.*"leaderNode": *"?([0-9]+)"?.*/\1/p'
}

for i in 0 1 2; do start "$i"; done
patiently bin/shale init --host "${hosts%%,*}"

ledger=$dir/ledger.jsonl
history=${HISTORY:-$dir/history.jsonl}
say "$WORK: $THREADS threads for $DURATION s, a leader struck every $EVERY s"
case $WORK in
bank)
  # The accounts in four shards, the ledger in four: nearly every transfer crosses shards.
  for key in bank/account/0000025 bank/account/000005 bank/account/0000075 \
    bank/ledger/00 bank/ledger/40 bank/ledger/80 bank/ledger/c0; do
    patiently bin/shale shard split "$key"
  done
  bin/shale bench bank --threads "$THREADS" --duration "${DURATION}s" -p "ledger=$ledger" &
  ;;
append)
  bin/shale bench append --check "$CHECK" --history "$history" --split 8 --op-timeout 10s \
    --threads "$THREADS" --duration "${DURATION}s" &
  ;;
*) say "WORK is bank or append, not $WORK"; exit 2 ;;
esac
work=$!
turn=2
for ((at = EVERY; at < DURATION; at += EVERY)); do
  sleep "$EVERY"
  node=$(leader_of $((turn % 8 + 1)))
  turn=$((turn + 1))
  if [ -z "$node" ]; then say 'no leader known, nobody killed'; continue; fi
  if [ "$WORK" = append ] && [ $((turn % 2)) = 0 ]; then
    say "pause node $node"
    kill -STOP "${pids[node - 1]}"
    sleep 3
    kill -CONT "${pids[node - 1]}"
    continue
  fi
  say "kill -9 node $node"
  kill -9 "${pids[node - 1]}"
  wait "${pids[node - 1]}" 2>/dev/null || true
  start $((node - 1))
done
wait "$work"
if [ "$WORK" = append ]; then
  say "no anomaly under $CHECK"
  exit 0
fi

say 'kill -9 all three at once'
kill -9 "${pids[@]}"
wait "${pids[@]}" 2>/dev/null || true
for i in 0 1 2; do start "$i"; done
bin/shale bench bank --verify-only -p "ledger=$ledger"
say 'every acknowledged transfer is there'
