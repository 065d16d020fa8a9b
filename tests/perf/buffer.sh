#!/usr/bin/env bash
# What client-side buffers give: `tests/perf/buffer.sh VOLLEY [ROUNDS]`, with a server that volley starts. Requests per second of
# bypass (a connection for each of 48 users) and of batches of 8 with 3 flush connections, by turns, and their ratio; once as fast as
# users get answers, of writes alone and of 70 writes to 30 reads.
#
# Fails where the median ratio of writes is below 3.
set -eu
volley=$(realpath "${1:?which volley}")
readonly volley rounds=${2:-5}
work=$(mktemp -d "${TMPDIR:-/tmp}/volley-buffer-XXXXXX")
trap 'rm -rf "$work"' EXIT
printf '%s\n' 'round_buffer: {max_size: 8, max_tokens: 0}' 'hybrid_buffer: {max_size: 8}' 'performance: {max_flush_workers: 3}' >"$work/buffer.yaml"
printf '%s\n' 'buffer: {enabled: false}' >"$work/bypass.yaml"

rate() { # BUFFER LOAD...
    local buffer=$1
    shift
    "$volley" bench --managed -q -c 48 -d 256 -r 100000 --prefill --processes 1 --warmup 1 --duration 4 --buffer "$work/$buffer.yaml" \
        --json "$work/out.json" "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    node -e 'const run = JSON.parse(require("fs").readFileSync(process.argv[1])).runs.at(-1);
        console.log(run.rate.achieved, run.buffer ? run.buffer.mean_batch : 1)' "$work/out.json"
}
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

compare() { # NAME LOAD...
    local name=$1 bypass buffered batch
    shift
    : >"$work/ratios"
    for _ in $(seq "$rounds"); do
        read -r bypass _ < <(rate bypass "$@")
        read -r buffered batch < <(rate buffer "$@")
        echo "$bypass $buffered $batch" | awk -v name="$name" '{ printf "%s: %.0f/s by bypass, %.0f/s in batches of %.1f: %.2f times\n", name, $1, $2, $3, $2 / $1 }'
        echo "$bypass $buffered" | awk '{ print $2 / $1 }' >>"$work/ratios"
    done
    ratio=$(median <"$work/ratios")
    printf '%s: median %.2f times\n' "$name" "$ratio"
}
compare 'set 70, get 30' --mix set:70,get:30
compare set -t set
awk -v ratio="$ratio" 'BEGIN { exit ratio >= 3 ? 0 : 1 }' || { echo 'buffers give less than 3 times'; exit 1; }
