# Sourced by scripts of this folder, from the repository's top: three shale processes on this
# machine, gone with the script. Sets dir (their stores are $dir/n0 …), hosts and SHALE_HOST.
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
