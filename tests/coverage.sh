#!/usr/bin/env bash
# `make coverage`: which lines of common/ and worker/ no test runs. Builds with gcov into build/coverage, runs every
# test, and prints a line a file, the lines that were not run behind it. Not part of CI.
#
#   tests/coverage.sh [SUITE...]       of these suites alone, as test_ring_suite
set -eu
cd "$(dirname "$0")/.."

readonly build=build/coverage

say() { printf 'coverage: %s\n' "$*" >&2; }

# Workers end by _exit(), which would lose their counts.
mkdir -p "$build"
make --no-print-directory -j"$(nproc)" BUILD="$build" CFLAGS='-O0 -g' EXTRA_CFLAGS='--coverage' \
    EXTRA_SOURCES=tests/support/coverage_exit.c LDFLAGS='-Wl,--wrap=_exit' "$build/volley" "$build/tests" \
    "$build/support/recorder_server" >"$build/build.log" 2>&1 ||
    { tail -n 40 "$build/build.log"; say 'it does not build'; exit 1; }
make --no-print-directory -j"$(nproc)" build/count/volley build/virtual/volley build/js/node_modules >"$build/variants.log" 2>&1 ||
    { tail -n 40 "$build/variants.log"; exit 1; }
find "$build" -name '*.gcda' -delete

if [ $# -gt 0 ]; then
    for suite in "$@"; do
        VOLLEY=$PWD/$build/volley VOLLEY_COUNTING=$PWD/build/count/volley VOLLEY_TESTS=$suite "$build/tests" || say "$suite failed"
    done
else
    make --no-print-directory BUILD="$build" COUNTING=build/count/volley VIRTUAL=build/virtual/volley check-tests ||
        say 'some tests failed: what they do not reach counts as not run'
fi

# "file: 97.3 % of 120 lines; not run: 12-14 33"
for notes in $(find "$build/obj/common" "$build/obj/worker" -name '*.gcno' | sort); do
    source=${notes#"$build"/obj/}
    gcov --stdout --object-file "$notes" "${source%.gcno}.c" 2>/dev/null |
        awk -F: -v file="${source%.gcno}.c" '
            $3 == "Source" { here = $4 == file }
            !here || $2 + 0 == 0 { next }
            { gsub(/ /, "", $1) }
            $1 == "-" { next }
            { lines++; number = $2 + 0 }
            $1 ~ /^[#=]+$/ {
                missed++
                if (number == last + 1) { last = number; next }
                if (first) ranges = ranges " " first (last > first ? "-" last : "")
                first = last = number
            }
            END {
                if (first) ranges = ranges " " first (last > first ? "-" last : "")
                if (lines) printf "%5.1f %% of %4d  %s%s\n", 100 * (lines - missed) / lines, lines, file,
                    missed ? "; not run:" ranges : ""
            }'
done | tee "$build/report.txt"
awk '{ lines += $4; run += $1 / 100 * $4 } END { printf "%5.1f %% of %4d  in all\n", 100 * run / lines, lines }' \
    "$build/report.txt"
