#!/usr/bin/env bash
# How large the page of a long run is, how long it takes to be written, and until it can be used in headless Chromium.
#
#   tests/perf/page.sh BUILD        needs BUILD/volley, BUILD/perf/long_run and build/js
#
# Fails above 4 MB, 2 s and 2 s for 4 h at 1 s, and above 15 MB for 24 h.
set -eu
cd "$(dirname "$0")/../.."
readonly build=${1:-build}
work=$(mktemp -d "${TMPDIR:-/tmp}/volley-page-XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

# NAME SECONDS CLASSES NODES MOST-MB
measure() {
    "$build/perf/long_run" "$work/$1" "$2" "$3" "$4"
    local begin end bytes ready
    begin=$(date +%s%N)
    "$build/volley" report "$work/$1" --html "$work/$1.html" >/dev/null
    end=$(date +%s%N)
    bytes=$(stat -c %s "$work/$1.html")
    ready=$(VOLLEY_JS=build/js node tests/support/page/check_page.js "$work/$1.html" | sed 's/.*"ready_ms":\([0-9]*\).*/\1/')
    printf '%-22s %9s bytes  written in %5d ms  ready in %5s ms\n' "$1" "$bytes" $(((end - begin) / 1000000)) "$ready"
    rm -rf "${work:?}/$1"
    if [ "$bytes" -gt $(($5 * 1000000)) ]; then echo "larger than $5 MB"; failed=1; fi
    if [ "$1" = 4h ] && { [ $(((end - begin) / 1000000)) -gt 2000 ] || [ "$ready" -gt 2000 ]; }; then failed=1; fi
}

measure 4h 14400 1 1 4
measure 24h 86400 1 1 15
measure 1h_16_classes 3600 16 1 15
measure 1h_64_nodes 3600 1 64 15
exit $failed
