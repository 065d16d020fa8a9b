#!/usr/bin/env bash
# `make test-servers`: what needs a server, on servers newer than the system's own, which configs/get-server.sh builds
# once into the user's cache folder.
#
#   tests/test-servers.sh VOLLEY             every row of the table
#   tests/test-servers.sh --marked VOLLEY    only the rows that are marked: those that .ci/run runs
set -eu
cd "$(dirname "$0")/.."

# Suites are those of `make check-tests`, `servers` all that need a server; a script gets VOLLEY as its argument. The name of one
# suite is that with its tests that build servers from git, which others leave out (tests/support/check/slow_valkey.h).
#mark   server      suites, script or suite
readonly table='
-       valkey-9.1  servers
-       redis-8.0   servers
marked  valkey-9.1  tests/valkey-own-tests.sh
marked  valkey-9.1  source_build
marked  valkey-9.1  suite_builds
-       valkey-8.1  suite_run
'

marked_only=no
if [ "${1-}" = --marked ]; then
    marked_only=yes
    shift
fi
readonly volley=${1:-build/volley}

say() { printf 'test-servers: %s\n' "$*"; }

run_row() { # SERVER WHAT
    configs/get-server.sh "$1" >/dev/null || return 1
    case $2 in
    servers) make --no-print-directory check-tests SERVER="$1" SUITES=servers ;;
    */*) "$2" "$volley" ;;
    *) VOLLEY_BUILDS=1 make --no-print-directory check-tests SERVER="$1" CK_RUN_SUITE="$2" ;;
    esac
}

# Each is run, whatever became of those before it.
failed=()
while read -r mark server what <&3; do
    if [ -z "$mark" ] || { [ $marked_only = yes ] && [ "$mark" != marked ]; }; then continue; fi
    if [[ $what == */* && ! -e $what ]]; then continue; fi # a script of a part that is not in this tree
    say "$what on $server"
    started=$SECONDS
    run_row "$server" "$what" </dev/null || failed+=("$what on $server")
    say "$what on $server: $((SECONDS - started)) s"
done 3<<<"$table"
if [ ${#failed[@]} != 0 ]; then
    printf 'test-servers: FAILED: %s\n' "${failed[@]}"
    exit 1
fi
