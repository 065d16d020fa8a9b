#!/usr/bin/env bash
# CPU per request of a workload file with eight classes, zipf keys and lognormal sizes, against a GET with as many bytes on
# the wire. Part of `make perf`.
#
#   tests/perf/mix.sh VOLLEY [ROUNDS]
#
# Each round measures both, one after the other, on servers that volley starts itself: the server on one CPU, the worker on
# another. What holds is the median over the rounds of the ratio, or of the difference, within a round. The keys
# are there before.
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:?which volley}
readonly rounds=${2:-9}
readonly most_ratio=1.15 most_ns=250

work=$(mktemp -d "${TMPDIR:-/tmp}/volley-mix-XXXXXX")
trap 'rm -rf "$work"' EXIT

cat >"$work/mix.yaml" <<'YAML'
name: eight
keys:
  users: {count: 100k, order: zipf}
  items: {count: 100k, order: zipf}
  visits: {count: 100k, order: zipf}
values:
  page: {size: {lognormal: {median: 100, p99: 1000, max: 4kb}}}
classes:
  - {name: get, weight: 30, command: 'GET {key:users}'}
  - {name: hget, weight: 20, command: 'HGET {key:items} body'}
  - {name: set, weight: 15, command: 'SET {key:users} {value:page}'}
  - {name: hset, weight: 10, command: 'HSET {key:items} body {value:page}'}
  - {name: incr, weight: 10, command: 'INCR {key:visits}'}
  - {name: strlen, weight: 5, command: 'STRLEN {key:users}'}
  - {name: exists, weight: 5, command: 'EXISTS {key:items}'}
  - {name: expire, weight: 5, command: 'EXPIRE {key:users} {int 1000 9999}'}
prefill:
  - {keys: users, command: 'SET {key:users} {value:page}'}
  - {keys: items, command: 'HSET {key:items} body {value:page}'}
YAML

measure() { # NAME OPTION ...
    local name=$1
    shift
    timeout 120 "$volley" bench --managed "$@" -c 50 --processes 1 -q --json "$work/$name.json" \
        >/dev/null 2>"$work/log" </dev/null || { cat "$work/log" >&2; return 1; }
}
mix() { measure mix --workload "$work/mix.yaml" --prefill "$@"; }
get() { measure get -t get -r 100k --prefill -d "$bytes" "$@"; }

# The value with which a GET and its reply are as long as a request of the mix and its reply: 36 bytes, and 7 of the reply.
mix -n 100k -P 16
bytes=$(node -e '
    const run = JSON.parse(require("fs").readFileSync(process.argv[1])).runs.at(-1);
    console.log(Math.round((run.bytes.out + run.bytes.in) / run.requests.ok) - 43);
' "$work/mix.json")

for pipeline in 1 16; do
    requests=$((300000 * (pipeline > 1 ? 5 : 1)))
    : >"$work/rows"
    for round in $(seq "$rounds"); do
        if [ $((round % 2)) = 0 ]; then
            get -n $requests -P $pipeline
            mix -n $requests -P $pipeline
        else
            mix -n $requests -P $pipeline
            get -n $requests -P $pipeline
        fi
        node -e '
            const [get, mix] = process.argv.slice(1).map(f => JSON.parse(require("fs").readFileSync(f)).runs.at(-1));
            const us = r => r.workers.reduce((s, w) => s + w.cpu_user_seconds + w.cpu_system_seconds, 0) * 1e6 / r.requests.ok;
            console.log(us(get), us(mix), us(mix) / us(get), (us(mix) - us(get)) * 1000);
        ' "$work/get.json" "$work/mix.json" >>"$work/rows"
    done
    # shellcheck disable=SC2016 # JavaScript, not shell
    node -e '
        const rows = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map(l => l.split(" ").map(Number));
        const median = i => { const v = rows.map(r => r[i]).sort((a, b) => a - b); return v[v.length >> 1]; };
        const [pipeline, mostRatio, mostNs] = process.argv.slice(2).map(Number), ratio = median(2), ns = median(3);
        const reached = pipeline > 1 ? ns <= mostNs : ratio <= mostRatio;
        console.log(`mix of 8 classes, pipeline ${pipeline}: GET ${median(0).toFixed(3)} us, mix ${median(1).toFixed(3)} us, ` +
            `ratio ${ratio.toFixed(2)}, ${ns.toFixed(0)} ns more a request (target at most ` +
            `${pipeline > 1 ? mostNs + " ns" : mostRatio}: ${reached ? "reached" : "NOT reached"})`);
    ' "$work/rows" $pipeline $most_ratio $most_ns
done
