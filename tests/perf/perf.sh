#!/usr/bin/env bash
# `make perf`: the comparisons that results/README.md reports. About twenty minutes; nothing else should run meanwhile.
#
#   tests/perf/perf.sh [BUILD]                        ROUNDS=9 by default; JSON goes to BUILD/perf/*.json
#   tests/perf/perf.sh BUILD honesty [ARGUMENT...]    `make honesty`: only what is judged by the recording server
#   tests/perf/perf.sh BUILD verdicts [ARGUMENT...]   `make verdicts`: only whether verdict and diagnosis name what is planted;
#                                                     diagnoses [--rounds N] [NAME...]: the diagnosis alone
#
# The server, and with it valkey-benchmark, is the valkey 9.1 of configs/get-server.sh; SERVER=redis-8.0 takes another one
# of it, SERVER=path what is on PATH. Other benchmarks on PATH are measured beside it.
set -eu
cd "$(dirname "$0")/../.."

readonly build=${1:-build}
compare() { # NAME ARGUMENT...
    local name=$1
    shift
    "$build/perf/compare" --volley "$build/volley" --floor "$build/perf/floor" --rounds "${ROUNDS:-9}" \
        --json "$build/perf/$name.json" "$@"
}

honesty() { # ARGUMENT...
    "$build/perf/honesty" --volley "$build/volley" --floor "$build/perf/floor" \
        --recorder "$build/support/recorder_server" --json "$build/perf/honesty.json" "$@"
}

verdicts() { # ARGUMENT...
    "$build/perf/verdicts" --volley "$build/volley" --recorder "$build/support/recorder_server" \
        --json "$build/perf/verdicts.json" "$@"
}

if [ "${SERVER:=valkey-9.1}" != path ]; then
    directory=$(configs/get-server.sh "$SERVER")
    PATH=$directory:$PATH
fi
version() { if command -v "$1" >/dev/null; then printf '; %s' "$("$1" --version | head -n 1 | sed 's/ sha=.*//')"; fi; }

printf '%s, %s CPUs, Linux %s\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(uname -r)$(for program in {valkey,redis}-{server,benchmark} memtier_benchmark; do version "$program"; done)"
case ${2:-} in
honesty)
    shift 2
    honesty "$@"
    exit
    ;;
verdicts)
    shift 2
    status=0
    if [ "${1-}" = diagnoses ]; then
        tests/perf/diagnoses.sh "$build" "${@:2}" || status=$?
    else
        verdicts "$@" || status=$?
        [ $# -gt 0 ] || tests/perf/diagnoses.sh "$build" || status=$?
    fi
    exit $status
    ;;
esac
compare connections-50 --connections 50 --pipelines 1,16
compare connections-500 --connections 500 --pipelines 1,16
compare value-1mb --connections 50 --pipelines 1 --size 1mb --keys 100 --requests 5k
compare tls --tls --connections 50 --pipelines 1,16 --requests 300k
tests/perf/cluster.sh "$build/volley" "${ROUNDS:-9}"
tests/perf/mix.sh "$build/volley" "${ROUNDS:-9}"
tests/perf/custom.sh "$build/volley" "${ROUNDS:-9}"
tests/perf/consume.sh "$build/volley" "$build/perf/subscriber" "${ROUNDS:-7}"
tests/perf/verify.sh "$build/volley" "${ROUNDS:-5}"
tests/perf/limits.sh "$build/volley"
"$build/perf/draws"
if [ -e "$build/volley-lua.so" ]; then "$build/perf/lua" "$build/volley-lua.so" configs/plugins/*.lua; fi
honesty
