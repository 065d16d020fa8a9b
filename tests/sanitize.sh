#!/usr/bin/env bash
# `make sanitize`: what only shows under sanitizers, step by step:
#
#   ring    the ring between two threads under ThreadSanitizer
#   stress  the stress programs in their long forms, in the background of the next steps
#   address every test under AddressSanitizer, leak check and UndefinedBehaviorSanitizer
#   fuzz    each fuzz target for FUZZ_SECONDS (2)
#
#   tests/sanitize.sh [STEP...]
set -eu
cd "$(dirname "$0")/.."

# Without this, randomised addresses may fall where the sanitizers keep their tables.
fixed=()
if setarch "$(uname -m)" -R true 2>/dev/null; then fixed=(setarch "$(uname -m)" -R); fi

say() { printf 'sanitize: %s\n' "$*"; }
# build DIRECTORY FLAGS TARGET...: quiet unless it fails
build() {
    local directory=$1 flags=$2
    shift 2
    mkdir -p "$directory"
    make --no-print-directory -j"$(nproc)" BUILD="$directory" CC=clang CFLAGS='-O1 -g' \
        EXTRA_CFLAGS="$flags -fno-omit-frame-pointer" "$@" >"$directory/build.log" 2>&1 ||
        { grep -vE '^clang ' "$directory/build.log" | tail -n 40; say "$directory does not build"; exit 1; }
}

run_ring() {
    build build/tsan -fsanitize=thread build/tsan/stress/ring_threads build/tsan/stress/version_threads
    TSAN_OPTIONS='halt_on_error=1 exitcode=66' "${fixed[@]}" build/tsan/stress/ring_threads --records 200k ||
        { say 'ring_threads failed under ThreadSanitizer'; exit 1; }
    TSAN_OPTIONS='halt_on_error=1 exitcode=66' "${fixed[@]}" build/tsan/stress/version_threads --operations 200k ||
        { say 'version_threads failed under ThreadSanitizer'; exit 1; }
    say 'ring and versions under ThreadSanitizer: clean'
}

stress_pid=
run_stress() {
    make --no-print-directory -j"$(nproc)" build/stress/ring_processes >build/stress.build.log 2>&1 ||
        { cat build/stress.build.log; exit 1; }
    build/stress/ring_processes --sleep-seconds 30 >build/stress.log 2>&1 &
    stress_pid=$!
    trap 'kill "$stress_pid" 2>/dev/null || true' EXIT
}
end_stress() {
    if [ -z "$stress_pid" ]; then return; fi
    wait "$stress_pid" || { cat build/stress.log; say 'ring_processes failed'; exit 1; }
    trap - EXIT
    say 'ring between processes, reader asleep for 30 s: nothing lost'
}

run_address() {
    build build/asan '-fsanitize=address,undefined -fno-sanitize-recover=undefined' build/asan/volley build/asan/tests \
        build/asan/support/recorder_server
    # The counting and the virtual-clock build stay without sanitizers, which allocate and read clocks.
    make --no-print-directory -j"$(nproc)" build/count/volley build/virtual/volley build/js/node_modules \
        >build/variants.log 2>&1 || { grep -vE '^gcc ' build/variants.log | tail -n 40; exit 1; }
    # Findings go to files: what is printed behind a screen (--tui), or by a child whose output nobody reads, is lost.
    local findings=$PWD/build/asan/findings status=0
    rm -rf "$findings"
    mkdir -p "$findings"
    ASAN_OPTIONS="detect_leaks=1 detect_stack_use_after_return=1 strict_string_checks=1 log_path=$findings/of" \
        UBSAN_OPTIONS="print_stacktrace=1 log_path=$findings/of" VOLLEY_SANITIZED=1 CK_TIMEOUT_MULTIPLIER=3 "${fixed[@]}" \
        make --no-print-directory BUILD=build/asan COUNTING=build/count/volley VIRTUAL=build/virtual/volley \
        check-tests || status=1
    # Workers that tests kill with SIGSEGV leave a summary, too, which is no finding.
    local found
    found=$(grep -lE '^SUMMARY: ' -r "$findings" | xargs -r grep -LE '^SUMMARY: AddressSanitizer: (SEGV|ABRT)' || true)
    if [ -n "$found" ]; then
        xargs head -n 30 <<<"$found"
        status=1
    fi
    return $status
}

run_fuzz() {
    tests/fuzz/run.sh "${FUZZ_SECONDS:-2}"
}

[ $# != 0 ] || set -- ring stress fuzz address
for step in "$@"; do
    started=$SECONDS
    "run_$step"
    say "$(printf '%-8s %3d s' "$step" $((SECONDS - started)))"
done
end_stress
