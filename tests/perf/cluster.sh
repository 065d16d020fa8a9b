#!/usr/bin/env bash
# CPU per request of volley on a cluster of three nodes, as a ratio to its own on one server, and how evenly
# uniform keys load the nodes. Part of `make perf`.
#
#   tests/perf/cluster.sh VOLLEY [ROUNDS]
#
# Each round measures both, one after the other, on servers that volley starts itself: all of them on one CPU,
# the worker on another. What holds is the median over the rounds of the ratio within a round.
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:?which volley}
readonly rounds=${2:-9}
readonly most=1.10

work=$(mktemp -d "${TMPDIR:-/tmp}/volley-cluster-XXXXXX")
trap 'rm -rf "$work"' EXIT

measure() { # NAME OPTION ...
    local name=$1
    shift
    timeout 120 "$volley" bench "$@" -t set -r 1000000 -c 50 --processes 1 -q --json "$work/$name.json" \
        >/dev/null 2>"$work/log" </dev/null || { cat "$work/log" >&2; return 1; }
}

for pipeline in 1 16; do
    requests=$((300000 * (pipeline > 1 ? 5 : 1)))
    : >"$work/rows"
    for round in $(seq "$rounds"); do
        if [ $((round % 2)) = 0 ]; then
            measure alone --managed -n $requests -P $pipeline
            measure cluster --managed cluster=3 -n $requests -P $pipeline
        else
            measure cluster --managed cluster=3 -n $requests -P $pipeline
            measure alone --managed -n $requests -P $pipeline
        fi
        node -e '
            const [alone, cluster] = process.argv.slice(1).map(f => JSON.parse(require("fs").readFileSync(f)).runs[0]);
            const us = r => r.workers.reduce((s, w) => s + w.cpu_user_seconds + w.cpu_system_seconds, 0) * 1e6 / r.requests.ok;
            const shares = cluster.nodes.map(n => n.ok / cluster.requests.ok * cluster.nodes.length - 1);
            console.log(us(alone), us(cluster), us(cluster) / us(alone), Math.max(...shares.map(Math.abs)));
        ' "$work/alone.json" "$work/cluster.json" >>"$work/rows"
    done
    # shellcheck disable=SC2016 # JavaScript, not shell
    node -e '
        const rows = require("fs").readFileSync(process.argv[1], "utf8").trim().split("\n").map(l => l.split(" ").map(Number));
        const median = i => { const v = rows.map(r => r[i]).sort((a, b) => a - b); return v[v.length >> 1]; };
        const [pipeline, most] = process.argv.slice(2).map(Number), ratio = median(2);
        console.log(`pipeline ${pipeline}: alone ${median(0).toFixed(3)} us, cluster ${median(1).toFixed(3)} us, ` +
            `ratio ${ratio.toFixed(2)} (target at most ${most.toFixed(2)}: ${ratio <= most ? "reached" : "NOT reached"}), ` +
            `a node is at most ${(median(3) * 100).toFixed(2)} % off its share`);
    ' "$work/rows" $pipeline $most
done
