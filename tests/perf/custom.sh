#!/usr/bin/env bash
# CPU per request of a plug-in's requests, in C and in Lua, against the same SET as a command. Part of `make perf`.
#
#   tests/perf/custom.sh VOLLEY [ROUNDS]
#
# Each round measures all of them, one after the other, on servers that volley starts itself: the server on one CPU, the worker
# on another. What holds is the median over the rounds of the difference within a round.
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:?which volley}
readonly rounds=${2:-7}

work=$(mktemp -d "${TMPDIR:-/tmp}/volley-custom-XXXXXX")
trap 'rm -rf "$work"' EXIT

measure() { # NAME OPTION ...
    local name=$1
    shift
    timeout 120 "$volley" bench --managed -c 50 --processes 1 -q -r 100000 -d 12 --json "$work/$name.json" "$@" \
        >/dev/null 2>"$work/log" </dev/null || { cat "$work/log" >&2; return 1; }
}
plain() { measure plain "$@" -- SET custom:key:__rand_int__ __data__; }
custom() { # ENDING OPTION ...
    local ending=$1
    shift
    measure "$ending" "$@" -t custom --custom-command-file "configs/plugins/operations.$ending" \
        --custom-command-args operation=set,key_prefix=custom:key
}

kinds=(c)
[ ! -e "$(dirname "$volley")/volley-lua.so" ] || kinds+=(lua)
for pipeline in 1 16; do
    requests=$((200000 * (pipeline > 1 ? 5 : 1)))
    : >"$work/rows"
    for ((round = 0; round < rounds; round++)); do
        plain -n $requests -P $pipeline
        for kind in "${kinds[@]}"; do custom "$kind" -n $requests -P $pipeline; done
        # shellcheck disable=SC2016 # JavaScript, not shell
        node -e '
            const [folder, ...names] = process.argv.slice(1);
            console.log(names.map(name => {
                const run = JSON.parse(require("fs").readFileSync(`${folder}/${name}.json`)).runs.at(-1);
                const cpu = run.workers.reduce((s, w) => s + w.cpu_user_seconds + w.cpu_system_seconds, 0);
                return cpu * 1e9 / run.requests.ok;
            }).join(" "));
        ' "$work" plain "${kinds[@]}" >>"$work/rows"
    done
    # shellcheck disable=SC2016 # JavaScript, not shell
    node -e '
        const [file, pipeline, ...kinds] = process.argv.slice(1);
        const rows = require("fs").readFileSync(file, "utf8").trim().split("\n").map(l => l.split(" ").map(Number));
        const median = v => v.sort((a, b) => a - b)[v.length >> 1], most = {c: 100, lua: 1000};
        console.log(`plain SET, pipeline ${pipeline}: ${median(rows.map(r => r[0])).toFixed(0)} ns`);
        kinds.forEach((kind, i) => {
            const ns = median(rows.map(r => r[i + 1] - r[0]));
            console.log(`plug-in in ${kind}, pipeline ${pipeline}: ${ns.toFixed(0)} ns more a request ` +
                `(target at most ${most[kind]} ns: ${ns <= most[kind] ? "reached" : "NOT reached"})`);
        });
    ' "$work/rows" $pipeline "${kinds[@]}"
done
