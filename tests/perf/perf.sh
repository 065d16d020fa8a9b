#!/usr/bin/env bash
# `make perf`: the comparisons that results/README.md reports. About ten minutes; nothing else should run meanwhile.
#
#   tests/perf/perf.sh [BUILD]    ROUNDS=9 by default; JSON goes to BUILD/perf/*.json
set -eu
cd "$(dirname "$0")/../.."

readonly build=${1:-build}
compare() { # NAME ARGUMENT...
    local name=$1
    shift
    "$build/perf/compare" --volley "$build/volley" --floor "$build/perf/floor" --rounds "${ROUNDS:-9}" \
        --json "$build/perf/$name.json" "$@"
}

printf '%s, %s CPUs, Linux %s\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(uname -r)"
compare connections-50 --connections 50 --pipelines 1,16
compare connections-500 --connections 500 --pipelines 1,16
compare value-1mb --connections 50 --pipelines 1 --size 1mb --keys 100 --requests 5k
tests/perf/limits.sh "$build/volley"
