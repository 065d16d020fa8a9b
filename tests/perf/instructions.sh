#!/usr/bin/env bash
# `make instructions`: instructions that volley's worker executes per request, counted by callgrind.
#
#   tests/perf/instructions.sh VOLLEY [--update]
#
# VOLLEY is the build with the virtual clock; with --null nothing outside the process has a say, so the figure
# repeats exactly. It is taken from two runs that differ only in the number of requests: start-up and
# report cancel out. Compared with tests/perf/instructions.<compiler>.txt (for example gcc-12): more than 0.5 % above fails;
# --update writes the file anew. For a compiler without a file the figures are only printed.
set -eu
cd "$(dirname "$0")/../.."

readonly volley=${1:?which volley}
readonly update=${2-}
readonly few=20000 many=120000 allowed_percent=0.5
# The C library chooses its memcpy and the like by what the CPU can do, which makes up to 1 %: here the same on all.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-BMI2,-ERMS,-FSRM,-RTM

# gcc-12, clang-14
compiler() {
    local name=gcc
    if "${CC:-gcc}" --version | head -n 1 | grep -q clang; then name=clang; fi
    echo "$name-$("${CC:-gcc}" -dumpversion | cut -d. -f1)"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/volley-instructions-XXXXXX")
trap 'rm -rf "$work"' EXIT

# Instructions of the one worker, which is the forked child: every profile but the parent's.
instructions() { # REQUESTS PIPELINE
    local parent file total=0 part
    rm -f "$work"/profile.*
    timeout 300 valgrind --tool=callgrind --callgrind-out-file="$work/profile.%p" "$volley" bench --null \
        -n "$1" -P "$2" -t get -r 100000 -c 50 --single-process --cpus none -q >"$work/log" 2>&1 </dev/null ||
        { tail -n 20 "$work/log" >&2; return 1; }
    parent=$(sed -n 's/^==\([0-9]*\)== Callgrind.*/\1/p' "$work/log" | head -n 1)
    for file in "$work"/profile.*; do
        if [ "$file" = "$work/profile.$parent" ]; then continue; fi
        part=$(sed -n 's/^\(summary\|totals\): *\([0-9]*\).*/\2/p' "$file" | tail -n 1)
        total=$((total + part))
    done
    if [ "$total" = 0 ]; then echo 'instructions: the worker left no profile' >&2; return 1; fi
    echo "$total"
}

record=tests/perf/instructions.$(compiler).txt
readonly record
failed=0
: >"$work/figures"
for pipeline in 1 16; do
    base=$(instructions $few $pipeline)
    full=$(instructions $many $pipeline)
    figure=$(awk -v d=$((full - base)) -v n=$((many - few)) 'BEGIN { printf "%.1f", d / n }')
    printf 'pipeline %s: %s instructions per request\n' "$pipeline" "$figure" | tee -a "$work/figures"
    known=$(sed -n "s/^pipeline $pipeline: \([0-9.]*\) .*/\1/p" "$record" 2>/dev/null || true)
    if [ -n "$known" ] && [ "$update" != --update ]; then
        awk -v f="$figure" -v k="$known" -v p=$allowed_percent 'BEGIN {
            printf "  recorded: %s, difference %+.1f %%\n", k, (f / k - 1) * 100; exit f > k * (1 + p / 100) }' || failed=1
    fi
done
if [ "$update" = --update ]; then
    cp "$work/figures" "$record"
    echo "written: $record"
elif [ ! -f "$record" ]; then
    echo "no figures recorded for this compiler ($record); make instructions INSTRUCTIONS=--update writes them"
elif [ "$failed" = 1 ]; then
    echo "instructions: more than $allowed_percent % above $record"
    exit 1
fi
