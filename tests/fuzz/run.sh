#!/usr/bin/env bash
# Builds the fuzz targets (clang, libFuzzer, ASan, UBSan) under build/fuzz and runs each for SECONDS.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]
#
# The inputs of tests/fuzz/corpus/TARGET are where a run starts; new ones are kept in build/fuzz/corpus/TARGET,
# a crashing one as build/fuzz/crash-... : copy it into tests/fuzz/corpus/TARGET with the fix.
set -eu
cd "$(dirname "$0")/../.."

seconds=${1:-60}
[ $# = 0 ] || shift
readonly out=build/fuzz
# Without this, randomised addresses may fall where the sanitizers keep their tables.
fixed=()
if setarch "$(uname -m)" -R true 2>/dev/null; then fixed=(setarch "$(uname -m)" -R); fi

make --no-print-directory -j"$(nproc)" BUILD=$out CC=clang CFLAGS='-O2 -g' \
    EXTRA_CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' \
    fuzz-programs >$out.log 2>&1 || { grep -vE '^(clang|ar) ' $out.log | tail -n 40; echo 'fuzz: does not build'; exit 1; }

run_one() { # TARGET
    local target=$1 corpus=$out/corpus/$1 status=0
    mkdir -p "$corpus"
    if [ -d "tests/fuzz/corpus/$target" ]; then cp -r "tests/fuzz/corpus/$target/." "$corpus/"; fi
    ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 "${fixed[@]}" \
        "$out/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix=$out/ "$corpus" >"$out/$target.log" 2>&1 || status=$?
    if [ $status != 0 ]; then
        tail -n 60 "$out/$target.log"
        echo "fuzz: $target failed; log: $out/$target.log"
        return 1
    fi
    echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$target.log") inputs in $seconds s, nothing found"
}

# As many at once as there are CPUs.
[ $# != 0 ] || set -- tests/fuzz/fuzz_*.c
running=0 failed=0
for target in "$@"; do
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    run_one "$(basename "$target" .c)" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit $failed
