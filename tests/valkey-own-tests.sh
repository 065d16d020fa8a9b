#!/usr/bin/env bash
# Valkey's own tests of valkey-benchmark, with volley in its place: plain, and over TLS, side by side.
#
#   tests/valkey-own-tests.sh VOLLEY
#
# The tests come from the sources of valkey 9.1, built, which configs/get-server.sh fetches; VALKEY_SOURCE names
# others. What they need is copied to build/valkey-own-tests, where they also leave their files. Installs tcl and its
# TLS package where they are missing. Ends with the number of tests that passed, and status 1 when one did not.
set -eu
cd "$(dirname "$0")/.."
volley=$(realpath "${1:-build/volley}")
readonly place=$PWD/build/valkey-own-tests limit_seconds=240

say() { printf 'valkey-own-tests: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

source=${VALKEY_SOURCE:-}
[ -n "$source" ] || source=$(configs/get-server.sh --source valkey-9.1) || exit 1
if ! [ -x "$source/src/valkey-server" ] || ! [ -f "$source/tests/integration/valkey-benchmark.tcl" ]; then
    die "$source holds no built sources of valkey with tests/integration/valkey-benchmark.tcl"
fi

install_tcl() {
    # What it reads from standard input ends it with status 0, whatever fails.
    command -v tclsh8.6 >/dev/null && tclsh8.6 <<<'exit [catch {package require tls}]' 2>/dev/null && return
    command -v apt-get >/dev/null || die 'needs tclsh8.6 and its tls package; install them'
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends tcl8.6 tcl-tls \
        >/dev/null || die 'tcl8.6 and tcl-tls could not be installed'
}

# make_place LABEL: what runtest reads, which writes below its own directory only, and links to the programs.
make_place() {
    local there=$place/$1 program
    mkdir -p "$there/src" "$there/utils"
    cp -r "$source/tests" "$source/runtest" "$there/"
    cp "$source/utils/gen-test-certs.sh" "$there/utils/"
    rm -rf "$there/tests/tmp" "$there/tests/tls"
    mkdir "$there/tests/tmp"
    for program in valkey-server valkey-cli valkey-sentinel valkey-check-aof valkey-check-rdb; do
        ln -s "$(realpath "$source/src/$program")" "$there/src/$program"
    done
    ln -s "$volley" "$there/src/valkey-benchmark"
}

# run LABEL PORT [OPTION...]: its lines of results go into LABEL.log. One test server at a time, on ports of its own.
run() {
    local label=$1 port=$2 log=$place/$1.log
    shift 2
    (cd "$place/$label" && TERM=dumb timeout -k 10 "$limit_seconds" ./runtest --single integration/valkey-benchmark \
        --clients 1 --baseport "$port" --portcount 100 "$@" >"$log" 2>&1) && return
    grep -E '\[(err|exception|timeout)\]|^Expected|non zero' "$log" | head -n 20 >&2 || true
    say "$label: not all passed; see ${log#"$PWD/"}"
    return 1
}

count() { grep -cE '^\[ok\]' "$place/$1.log" || true; }

install_tcl
rm -rf "$place"
make_place plain
make_place tls
(cd "$place/tls" && bash utils/gen-test-certs.sh >/dev/null 2>&1) || die 'the certificates of the tests could not be made'
# Below the ports that the kernel hands out, and away from those of a second run on this machine.
port=$((20000 + $$ % 40 * 300))
failed=0
run plain "$port" &
plain=$!
run tls "$((port + 150))" --tls || failed=1
wait "$plain" || failed=1
echo "valkey-own-tests: $(count plain) tests passed, and $(count tls) over TLS$([ "$failed" = 0 ] || echo '; some failed')"
exit "$failed"
