#!/usr/bin/env bash
# The same work on etcd and on shale, interleaved: three processes each, on loopback, on free
# ports, in a folder of their own that is removed at the end. The table goes to stdout, all
# else to stderr.
#
#   ROUNDS=3 DURATION=15s THREADS='32 128' bench/peers/run.sh
#   STORES=etcd WORKLOADS='put get' bench/peers/run.sh
#   RESULTS=results.jsonl keeps the single results.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

ROUNDS=${ROUNDS:-3}
DURATION=${DURATION:-15s}
WARMUP=${WARMUP:-3s}
THREADS=${THREADS:-32 128}
STORES=${STORES:-etcd shale-spread shale-together}
WORKLOADS=${WORKLOADS:-put get A B C E transfer2 scan50}
RECORDS=${RECORDS:-10000}
SHARDS=${SHARDS:-8}

say() { printf '%s\n' "$*" >&2; }

dir=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
results=${RESULTS:-$dir/results.jsonl}

build() {
  say 'building'
  export CGO_ENABLED=0
  mkdir -p bin
  go build -o bin/peers .
  go build -o bin/etcd go.etcd.io/etcd/server/v3
  if [[ $STORES == *shale* ]]; then (cd ../.. && go build -o bin/shale ./cmd/shale); fi
}

# free_ports N prints N ports that were free a moment ago.
free_ports() { bin/peers ports -n "$1"; }

start_etcd() {
  local ports cluster='' i
  mapfile -t ports < <(free_ports 6)
  for i in 0 1 2; do cluster+="n$i=http://127.0.0.1:${ports[i]},"; done
  etcd_hosts="127.0.0.1:${ports[3]},127.0.0.1:${ports[4]},127.0.0.1:${ports[5]}"
  for i in 0 1 2; do
    bin/etcd --name "n$i" --data-dir "$dir/etcd$i" --log-level error \
      --listen-peer-urls "http://127.0.0.1:${ports[i]}" \
      --initial-advertise-peer-urls "http://127.0.0.1:${ports[i]}" \
      --listen-client-urls "http://127.0.0.1:${ports[i + 3]}" \
      --advertise-client-urls "http://127.0.0.1:${ports[i + 3]}" \
      --initial-cluster "${cluster%,}" --quota-backend-bytes 8589934592 \
      >"$dir/etcd$i.log" 2>&1 &
    pids+=($!)
  done
}

start_shale() {
  local ports join i key
  mapfile -t ports < <(free_ports 3)
  join="127.0.0.1:${ports[0]},127.0.0.1:${ports[1]},127.0.0.1:${ports[2]}"
  shale_hosts=$join
  for i in 0 1 2; do
    ../../bin/shale start --store "$dir/shale$i" --listen "127.0.0.1:${ports[i]}" \
      --join "$join" --insecure >"$dir/shale$i.log" 2>&1 &
    pids+=($!)
  done
  patiently shale init --host "127.0.0.1:${ports[0]}"
  while read -r key; do patiently shale shard split "$key"; done \
    < <(bin/peers splits -shards "$SHARDS" -p "recordcount=$RECORDS")
}

shale() { SHALE_HOST=$shale_hosts ../../bin/shale "$@" >&2; }

# patiently repeats a command that may come too early, for half a minute.
patiently() {
  local tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then say "gave up: $*"; exit 1; fi
    sleep 0.5
  done
}

# lead KIND moves the leaders: spread over the three nodes, or together on the first.
lead() {
  local id node i=0
  for id in $(SHALE_HOST=$shale_hosts ../../bin/shale shard ls -o jsonl | sed -nE 's/^\{ *"id": *"?([0-9]+)"?.*/\1/p'); do
    node=1
    if [ "$1" = spread ]; then node=$((i % 3 + 1)); fi
    patiently shale shard transfer-leader "$id" "$node"
    i=$((i + 1))
  done
}

# one STORE WORKLOAD THREADS ROUND measures once.
one() {
  local kind=${1%%-*} hosts
  if [ "$kind" = etcd ]; then hosts=$etcd_hosts; else hosts=$shale_hosts; fi
  bin/peers run -store "$kind" -hosts "$hosts" -label "$1" -workload "$2" -threads "$3" -round "$4" \
    -seed "$4$3" -duration "$DURATION" -warmup "$WARMUP" -p "recordcount=$RECORDS" >>"$results" || {
    say "failed: $*"
    failed=1
  }
}

build
failed=0
case " $STORES " in *' etcd '*) start_etcd ;; esac
case " $STORES " in *shale*) start_shale ;; esac
sleep 3 # elections; the warm-up would hide them too
for round in $(seq "$ROUNDS"); do
  for store in $STORES; do
    case $store in shale-*) lead "${store#shale-}" ;; esac
    for threads in $THREADS; do
      for workload in $WORKLOADS; do one "$store" "$workload" "$threads" "$round"; done
    done
  done
done
bin/peers table "$results"
exit "$failed"
