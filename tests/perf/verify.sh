#!/usr/bin/env bash
# What --verify finds, and what it costs. Part of `make perf`.
#
#   tests/perf/verify.sh VOLLEY [ROUNDS]
#
# 10 million keys are read of a server that others leave alone, by hot keys, many sizes and pipelines: nothing may be
# wrong. Then 1,000 values are overwritten behind volley's back, and `volley verify` has to name these and no others. At
# last the same mix with and without --verify, in turns, on servers that volley starts itself: CPU per request.
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:?which volley}
readonly rounds=${2:-5}

work=$(mktemp -d "${TMPDIR:-/tmp}/volley-verify-XXXXXX")
server=
# shellcheck disable=SC2317,SC2329 # by the trap
clean_up() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT

program=$(command -v valkey-server || command -v redis-server) || { echo 'verify: no server on PATH' >&2; exit 1; }
readonly socket=$work/server.sock
"$program" --port 0 --unixsocket "$socket" --save '' --dir "$work" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do [ ! -S "$socket" ] || break; sleep 0.1; done

load() { # FILE OPTION ...
    local file=$1
    shift
    timeout 600 "$volley" bench -q --json "$file" "$@" >/dev/null 2>"$work/log" </dev/null || { cat "$work/log" >&2; return 1; }
}

load "$work/reads.json" -s "$socket" --verify --ratio 1:9 -r 1000000 --key-dist zipf:0.99 --value-size 8-256 --prefill \
    -c 50 -P 16 -n 11200000 --out "$work/run"
load "$work/corrupt.json" -s "$socket" --sequential 1000 -n 1000 -c 1 -- SETRANGE key:__rand_1st__ 0 XXXXXXXX
status=0
"$volley" verify "$work/run" -s "$socket" --json "$work/verify.json" >"$work/out" || status=$?
[ "$status" = 1 ] || { cat "$work/out"; echo "verify: status $status" >&2; exit 1; }
# shellcheck disable=SC2016 # JavaScript, not shell
node -e '
    const [reads, found] = process.argv.slice(1).map(f => JSON.parse(require("fs").readFileSync(f)));
    const seen = reads.runs.at(-1).verification, n = x => x.toLocaleString("en");
    const alarms = seen.corrupted + seen.stale + seen.lost_writes;
    const good = alarms === 0 && seen.verified >= 1e7 && found.corrupted === 1000 && found.lost_writes === 0;
    console.log(`verification: ${n(alarms)} alarms in ${n(seen.verified)} reads; of ${n(found.keys)} keys ${n(found.corrupted)} ` +
        `corrupted and ${n(found.lost_writes)} lost, where 1,000 were overwritten (${good ? "reached" : "NOT reached"})`);
    process.exitCode = good ? 0 : 1;
' "$work/reads.json" "$work/verify.json"

measure() { # NAME OPTION ...
    local name=$1
    shift
    load "$work/$name.json" --managed --ratio 1:9 -r 100000 -d 64 --prefill -c 50 --processes 1 "$@"
}
for pipeline in 1 16; do
    requests=$((300000 * (pipeline > 1 ? 5 : 1)))
    : >"$work/rows"
    for round in $(seq "$rounds"); do
        if [ $((round % 2)) = 0 ]; then
            measure plain -n $requests -P $pipeline
            measure checked -n $requests -P $pipeline --verify
        else
            measure checked -n $requests -P $pipeline --verify
            measure plain -n $requests -P $pipeline
        fi
        node -e '
            const [plain, checked] = process.argv.slice(1).map(f => JSON.parse(require("fs").readFileSync(f)).runs.at(-1));
            const us = r => r.workers.reduce((s, w) => s + w.cpu_user_seconds + w.cpu_system_seconds, 0) * 1e6 / r.requests.ok;
            console.log(us(plain), us(checked), us(checked) / us(plain), (us(checked) - us(plain)) * 1000);
        ' "$work/plain.json" "$work/checked.json" >>"$work/rows"
    done
    # shellcheck disable=SC2016 # JavaScript, not shell
    node -e '
        const rows = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map(l => l.split(" ").map(Number));
        const median = i => { const v = rows.map(r => r[i]).sort((a, b) => a - b); return v[v.length >> 1]; };
        console.log(`set:1,get:9 of 64 bytes, pipeline ${process.argv[2]}: ${median(0).toFixed(3)} us a request, with --verify ` +
            `${median(1).toFixed(3)} us: ratio ${median(2).toFixed(2)}, ${median(3).toFixed(0)} ns more`);
    ' "$work/rows" $pipeline
done
