#!/usr/bin/env bash
# `make check-tests`: runs the tests program. Most tests wait for servers most of the time, so several suites run at
# once; what needs the machine for itself runs after them. With CK_RUN_SUITE one process runs what is chosen.
#
#   tests/run.sh PROGRAM LOGS          its environment as the Makefile sets it; TEST_JOBS=5
#
# With sanitizers, fewer at once, and without what holds times against those of others or combines what other suites
# go through one by one; VOLLEY_THOROUGH=1 runs all of it.
set -eu

readonly program=$1 logs=$2

if [ -n "${CK_RUN_SUITE-}${CK_RUN_CASE-}" ]; then exec "$program"; fi

# One suite: its output goes to a file, and a line tells how long it took.
if [ "${3-}" = suite ]; then
    started=$SECONDS status=0
    VOLLEY_TESTS=$4 "$program" >"$logs/$4.log" 2>&1 || status=$?
    printf '%4d s  %s%s\n' $((SECONDS - started)) "$4" "$([ $status = 0 ] || echo ': FAILED')"
    exit $status
fi

# A limit that a test has of its own is for a machine that it has for itself.
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-3}
rm -rf "$logs"
mkdir -p "$logs"
failed=0 jobs=5 left_out='^$'
if [ -n "${VOLLEY_SANITIZED-}" ] && [ -z "${VOLLEY_THOROUGH-}" ]; then
    jobs=3 left_out='^test_(combin.*|chaos)_suite$'
fi
VOLLEY_TESTS=list "$program" | grep -vE "$left_out" | xargs -n 1 -P "${TEST_JOBS:-$jobs}" "$0" "$program" "$logs" suite >"$logs/times" || failed=1
sort -rn "$logs/times" | head -n 12
cat "$logs"/test_*.log | grep -vE '^(volley: |Running suite|100%)' || true
checks=$(cat "$logs"/test_*.log | awk '/%: Checks: / { sub(",", "", $3); sum += $3 } END { print sum }')
printf '%s checks, %s suites at once in %d s\n' "$checks" "$(wc -l <"$logs/times")" "$SECONDS"
if [ "$left_out" = '^$' ]; then VOLLEY_TESTS=alone "$program" || failed=1; fi
exit $failed
