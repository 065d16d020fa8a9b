#!/usr/bin/env bash
# Whether volley diagnose names what is planted: each row of tests/integration/test_diagnose.c again and again. `make verdicts`
# runs it behind the verdict's own causes.
#
#   tests/perf/diagnoses.sh BUILD [--rounds N] [NAME...]      10 rounds; names: slow_command, clean, ...
#
# The planted cause is to be the first one named in 9 of 10 rounds, and nothing of a clean run. A round does not count when a
# server or worker that has to wait for its CPU, which was not planted, comes first: something else ran on the machine. Exit status 0
# when all are reached, 1 when one is missed, 4 when fewer than half of the rounds count.
set -eu
cd "$(dirname "$0")/../.."
readonly build=$1
shift
rounds=10
if [ "${1-}" = --rounds ]; then rounds=$2; shift 2; fi
if [ $# = 0 ]; then
    set -- clean server_starved server_stopped server_stopped_until_time_out server_gone memory_evicted memory_refused \
        slow_command big_values slow_fork slow_fsync delayed_fsync client_starved client network server_cpu
fi

outcomes=$(mktemp)
trap 'rm -f "$outcomes"' EXIT
export VOLLEY_DIAGNOSE_OUTCOMES=$outcomes VOLLEY=$PWD/$build/volley VOLLEY_SLOW_DISK=$PWD/$build/support/slow_disk.so
export VOLLEY_TESTS=test_diagnose_suite CK_RUN_CASE=test_planted
count() { grep -cx "$1" "$outcomes" || true; }

status=0
for name; do
    : >"$outcomes"
    for ((round = 0; round < rounds; round++)); do
        VOLLEY_DIAGNOSE_PLANTED=$name "$build/tests" >/dev/null 2>&1 || echo failed >>"$outcomes"
    done
    named=$(count named) not_quiet=$(count 'not quiet')
    counted=$((rounds - not_quiet)) outcome=ok
    if ((named * 10 < counted * 9)); then
        outcome=MISSED status=1
    elif ((counted * 2 < rounds)); then
        outcome='not known'
        [ $status != 0 ] || status=4
    fi
    printf '  %-32s named in %d of %d, %d not quiet   %s\n' "$name" "$named" "$counted" "$not_quiet" "$outcome"
done
exit $status
