#!/usr/bin/env bash
# `make check-tests`: runs the tests program. Most tests wait for servers most of the time, so the suites are dealt
# out over several processes; what needs the machine for itself runs after them. With CK_RUN_SUITE one process runs
# what is chosen.
#
#   tests/run.sh PROGRAM LOGS          its environment as the Makefile sets it; TEST_SHARES=3
set -eu

readonly program=$1 logs=$2
readonly shares=${TEST_SHARES:-3}

if [ -n "${CK_RUN_SUITE-}${CK_RUN_CASE-}" ]; then exec "$program"; fi

mkdir -p "$logs"
pids=()
for share in $(seq "$shares"); do
    VOLLEY_TESTS=$share/$shares "$program" >"$logs/share-$share.log" 2>&1 &
    pids+=($!)
done
# shellcheck disable=SC2064 # these, not those of later
trap "kill ${pids[*]} 2>/dev/null || true" EXIT
failed=0
for share in $(seq "$shares"); do
    wait "${pids[share - 1]}" || failed=1
    grep -vE '^volley: ' "$logs/share-$share.log" || true
done
trap - EXIT
VOLLEY_TESTS=alone "$program" || failed=1
exit $failed
