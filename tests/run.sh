#!/usr/bin/env bash
# `make check-tests`: runs the tests program. Most tests wait for servers most of the time, so several suites run at
# once; what needs the machine for itself runs after them. With CK_RUN_SUITE one process runs what is chosen.
#
#   tests/run.sh PROGRAM LOGS          its environment as the Makefile sets it; TEST_JOBS=5
#
# SERVER chooses the server that the tests start:
#   (unset)       valkey-server of PATH, or else valkey 8.0 from configs/get-server.sh; and once more, on redis-server
#                 of PATH, the suites of what differs between servers (tests/unit/main.c has the list)
#   valkey        the first half of that
#   redis         redis-server of PATH
#   valkey-9.1    and the other names that `configs/get-server.sh --list` prints
# SUITES=servers leaves out what needs no server: the unit tests.
#
# With sanitizers, fewer at once, on one server, and without what holds times against those of others, combines what other
# suites go through one by one, runs another build, a browser, or mostly servers; VOLLEY_THOROUGH=1 runs all of it.
set -eu

readonly program=$1 logs=$2

# One suite: its output goes to a file, and a line tells how long it took.
if [ "${3-}" = suite ]; then
    started=$SECONDS status=0 name=$4
    if [ "$5" = second ]; then
        PATH=$VOLLEY_SECOND_PATH
        name+=.redis
    fi
    VOLLEY_TESTS=$4 "$program" >"$logs/$name.log" 2>&1 || status=$?
    printf '%4d s  %s%s\n' $((SECONDS - started)) "$name" "$([ $status = 0 ] || echo ': FAILED')"
    exit $status
fi

say() { printf 'tests: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null; }

# PATH without valkey-server, which tests and volley would take first: a folder that has it is replaced by one of
# links to everything else in it.
path_without_valkey() {
    local folder number=0 folders path=''
    IFS=: read -r -a folders <<<"$PATH"
    rm -rf "$logs.path"
    for folder in "${folders[@]}"; do
        if [ -x "$folder/valkey-server" ]; then
            number=$((number + 1))
            mkdir -p "$logs.path/$number"
            ln -s "$folder"/* "$logs.path/$number/"
            rm "$logs.path/$number/valkey-server"
            folder=$(realpath "$logs.path/$number")
        fi
        path+=${path:+:}$folder
    done
    printf '%s\n' "$path"
}

# Prints the PATH on which a server is the one that is found.
path_of() { # SERVER
    local folder
    case $1 in
    valkey)
        if have valkey-server; then printf '%s\n' "$PATH"; else path_of valkey-8.0; fi
        ;;
    redis)
        have redis-server || { say 'redis-server is not on PATH: make deps, or SERVER=valkey to test without it'; return 1; }
        path_without_valkey
        ;;
    *)
        folder=$("${BASH_SOURCE[0]%/*}/../configs/get-server.sh" "$1") || return 1
        case $1 in
        redis-*) printf '%s:%s\n' "$folder" "$(path_without_valkey)" ;;
        *) printf '%s:%s\n' "$folder" "$PATH" ;;
        esac
        ;;
    esac
}
server_version() { # PATH
    (PATH=$1; if have valkey-server; then valkey-server --version; else redis-server --version; fi) | sed 's/ sha=.*//'
}

VOLLEY_SECOND_PATH=
if [ -z "${SERVER-}${CK_RUN_SUITE-}${CK_RUN_CASE-}${VOLLEY_SANITIZED-}" ]; then
    VOLLEY_SECOND_PATH=$(path_of redis)
fi
PATH=$(path_of "${SERVER:-valkey}")
export PATH VOLLEY_SECOND_PATH

if [ -n "${CK_RUN_SUITE-}${CK_RUN_CASE-}" ]; then exec "$program"; fi

# test_vector_scenarios takes this one beside the others: built now, since no test has the time for that.
"${BASH_SOURCE[0]%/*}/../configs/get-server.sh" redis-8.0 >/dev/null || exit 1

# A limit that a test has of its own is for a machine that it has for itself.
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-3}
rm -rf "$logs"
mkdir -p "$logs"
failed=0 jobs=4 left_out='^$'
if [ -n "${VOLLEY_SANITIZED-}" ] && [ -z "${VOLLEY_THOROUGH-}" ]; then
    jobs=3
    left_out='^test_(combin.*|chaos|scenario_(shipped|nodes|trouble|resume|commands)|vector_scenarios|allocations|examples|ci_examples|grafana'
    left_out+='|page_browser|page_script|page_results|flame_page|compare_page|live_page|suite_page|pictures|file_schema|validate_schema'
    left_out+='|suite_run|suite_groups_run|source_build|push|history|compare_merged|blame|secrets|replay_cluster|large_cluster|cluster_keys'
    left_out+='|scrape|scraping|info_sampler|viewers|terminal_monitor|monitor_alerts|diagnose|profile|analyze_memory|workloads|compare_modes|optimize|load_test|baseline_suites)_suite$'
fi

# The suites of a list that are to be run: with SUITES=servers those of tests/integration.
chosen() { # LIST
    local suite
    VOLLEY_TESTS=$1 "$program" | grep -vE "$left_out" | while read -r suite; do
        if [ "${SUITES-}" != servers ] || [ -e "${BASH_SOURCE[0]%/*}/integration/${suite%_suite}.c" ]; then echo "$suite"; fi
    done
}
at_once() {
    chosen list | sed 's/$/ first/'
    if [ -n "$VOLLEY_SECOND_PATH" ]; then chosen list-differing | sed 's/$/ second/'; fi
}

printf 'tests: on %s%s\n' "$(server_version "$PATH")" \
    "${VOLLEY_SECOND_PATH:+; what differs also on $(server_version "$VOLLEY_SECOND_PATH")}"
at_once | xargs -L 1 -P "${TEST_JOBS:-$jobs}" "$0" "$program" "$logs" suite >"$logs/times" || failed=1
sort -rn "$logs/times" | head -n 12
# What volley says is part of a failure's text, and noise where all went well.
for log in "$logs"/test_*.log; do
    if grep -q '^100%' "$log"; then grep -vE '^(volley: |Running suite|100%)' "$log"; else cat "$log"; fi
done || true
checks=$(cat "$logs"/test_*.log | awk '/%: Checks: / { sub(",", "", $3); sum += $3 } END { print sum }')
printf '%s checks, %s suites at once in %d s\n' "$checks" "$(wc -l <"$logs/times")" "$SECONDS"
# The last lines are those that somebody reads who has no others.
grep -hE '^[^ ]*\.c:[0-9]+:[FE]:' "$logs"/test_*.log | cut -c -300 || true
grep FAILED "$logs/times" || true
if [ "$left_out" = '^$' ]; then VOLLEY_TESTS=alone "$program" || failed=1; fi
exit $failed
