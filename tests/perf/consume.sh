#!/usr/bin/env bash
# What volley says of the delivery of messages, against subscribers that have nothing of it, in one run. Part of `make perf`.
#
#   tests/perf/consume.sh VOLLEY SUBSCRIBER [ROUNDS]
#
# Each has 1,000 subscribers of one channel, on one server: every message goes to 2,000 connections, so that both see the whole of
# the server's turn. What holds is the median over the rounds of the ratio within a round.
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:?which volley} subscriber=${2:?which subscriber}
readonly rounds=${3:-7} subscribers=${SUBSCRIBERS:-1000} rate=${RATE:-40} seconds=5
readonly port=${PORT:-27877}

work=$(mktemp -d "${TMPDIR:-/tmp}/volley-consume-XXXXXX")
server=
trap '[ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" || true; }; rm -rf "$work"' EXIT
valkey-server --port "$port" --save '' --dir "$work" --maxclients 10000 >"$work/log" 2>&1 &
server=$!
for ((i = 0; i < 100; i++)); do
    if valkey-cli -p "$port" ping >/dev/null 2>&1; then break; fi
    sleep 0.1
done
cat >"$work/news.yaml" <<YAML
name: news
classes:
  - {name: publish, command: "PUBLISH news {stamp 100}"}
consume:
  - {name: subscribers, channel: news, connections: $subscribers}
YAML
ulimit -n 10000
: >"$work/rows"
for ((round = 0; round < rounds; round++)); do
    "$subscriber" "$port" news "$subscribers" $((seconds + 2)) >"$work/independent" &
    independent=$!
    timeout 60 "$volley" bench -p "$port" --workload "$work/news.yaml" -c 1 --qps "$rate" --duration $seconds -q \
        --json "$work/run.json" >/dev/null 2>"$work/err" </dev/null || { cat "$work/err" >&2; exit 1; }
    wait "$independent"
    # shellcheck disable=SC2016 # JavaScript, not shell
    node -e '
        const fs = require("fs"), [folder] = process.argv.slice(1);
        const own = JSON.parse(fs.readFileSync(`${folder}/run.json`)).runs[0].consumers[0];
        console.log(fs.readFileSync(`${folder}/independent`, "utf8").trim(), own.messages.delivered, own.response_time_us.p50,
            own.response_time_us.p99, own.response_time_us.max, own.messages.lost);
    ' "$work" >>"$work/rows"
done
# shellcheck disable=SC2016 # JavaScript, not shell
node -e '
    const [file, subscribers, rate] = process.argv.slice(1);
    const rows = require("fs").readFileSync(file, "utf8").trim().split("\n").map(l => l.split(" ").map(Number));
    const median = v => v.sort((a, b) => a - b)[v.length >> 1], ratio = k => median(rows.map(r => r[4 + k] / r[k]));
    rows.forEach(r => console.log(r.join(" ")));
    console.log(`${subscribers} subscribers, ${rate} messages/s: p50 ${ratio(1).toFixed(3)}, p99 ${ratio(2).toFixed(3)} of an independent ` +
        `subscriber (target 0.95 to 1.05), ${rows.reduce((s, r) => s + r[8], 0)} lost, delivered ${rows.map(r => r[4])}, independent ${rows.map(r => r[0])}`);
' "$work/rows" "$subscribers" "$rate"
