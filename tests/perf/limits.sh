#!/usr/bin/env bash
# What `make perf` measures besides CPU per request: memory of many connections, many workers on few CPUs,
# what the orchestrator costs, and whether its memory stays flat. Figures only; nothing here passes or fails.
#
#   tests/perf/limits.sh [VOLLEY]
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:-build/volley}
work=$(mktemp -d "${TMPDIR:-/tmp}/volley-limits-XXXXXX")
load=
stop() {
    if [ -n "$load" ]; then kill "$load" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap stop EXIT
ulimit -n "$(ulimit -Hn)"

status() { sed -n "s/^$2:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$1/status"; } # PID FIELD -> kB
cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
# The workers of a bench process: its children that run volley (the managed server is another program).
workers() {
    local child
    for child in $(pgrep -P "$1"); do
        if [ "$(cat "/proc/$child/comm")" = volley ]; then echo "$child"; fi
    done
}
start() {
    "$volley" bench --managed -t get -q "$@" >"$work/out" 2>&1 &
    load=$!
}
finish() {
    local pid=$load
    load=
    wait "$pid" || { cat "$work/out"; exit 1; }
}

start -r 1000 -c 10000 --processes 1 --duration 4
sleep 4
printf '10,000 connections in one worker: %d kB resident, %d kB of it its own\n' \
    "$(status "$(workers $load)" VmRSS)" "$(status "$(workers $load)" RssAnon)"
finish

start -c 50 -d 1mb --prefill -r 50 --processes 1 --duration 4
sleep 3
small=$(status "$(workers $load)" RssAnon)
finish
printf 'GET of 1 MiB values, 50 connections: %d kB of a worker'"'"'s own memory\n' "$small"

began=$(date +%s%N)
start -r 1000 -c 640 --processes 64 -n 6400
finish
printf '64 workers: start of server, start of workers, 6,400 requests, report and end in %d ms\n' \
    $((($(date +%s%N) - began) / 1000000))

start -r 1000 -c 640 --processes 64 --duration 12 --json "$work/run.json"
sleep 2
before=$(cpu_ticks $load)
sleep 10
printf '64 workers, intervals of 1 s: the orchestrator takes %s %% of one CPU\n' \
    "$(awk -v ticks=$(($(cpu_ticks $load) - before)) -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "%.2f", ticks / hz / 10 * 100}')"
finish
printf '64 workers: %d intervals of 12 s in the JSON\n' "$(grep -c '"start_seconds"' "$work/run.json")"

# Requests that the server answers after 50 ms: time passes, intervals are cut, no CPU is spent.
"$volley" bench --managed -c 4 --processes 2 --interval 10ms --duration "${FLAT_SECONDS:-60}" --out "$work/run" \
    -- BLPOP none 0.05 >"$work/out" 2>&1 &
load=$!
sleep 5
before=$(status $load RssAnon)
sleep $((${FLAT_SECONDS:-60} - 7))
after=$(status $load RssAnon)
finish
printf 'orchestrator, intervals of 10 ms with every output: %d kB after 5 s, %d kB after %d s (%d intervals)\n' \
    "$before" "$after" $((${FLAT_SECONDS:-60} - 2)) $(((${FLAT_SECONDS:-60} - 7) * 100))
