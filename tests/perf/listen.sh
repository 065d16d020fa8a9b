#!/usr/bin/env bash
# What looking on costs: `tests/perf/listen.sh VOLLEY VIRTUAL [SECONDS]`, the build and the one with the virtual clock (as make
# instructions has it). Needs prometheus, curl, valgrind, and perf/viewers beside volley (make build/perf/viewers). Each figure is a ratio within one run of this script:
#
#   - instructions of the worker for a request, nobody looking on, and with a reader of events and a scraper
#   - CPU of the orchestrator with 64 workers, alone, and with --listen, a reader of events and a Prometheus each second
#   - p99.9 of a run and records that came late, alone, with 100 viewers held by one process, and with 100 that are a process each,
#     by turns: what volley's sending costs, and what the viewers themselves do to the machine
set -eu
volley=$(realpath "${1:?which volley}")
virtual=$(realpath "${2:?which build with the virtual clock}")
readonly volley virtual seconds=${3:-20}
work=$(mktemp -d "${TMPDIR:-/tmp}/volley-listen-XXXXXX")
helpers=()
finish() {
    for pid in "${helpers[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-BMI2,-ERMS,-FSRM,-RTM

# Where a run listens, when it has said so.
address_in() { # LOG
    local _
    for _ in $(seq 600); do
        if grep -qo 'http://[^ ]*' "$1"; then grep -o 'http://[^ ]*' "$1" | head -n 1; return; fi
        sleep 0.05
    done
    cat "$1" >&2
    return 1
}

# Reads events, and asks for /metrics each second, until told to end.
look_on() { # ADDRESS
    curl -sN "${1}events" >/dev/null 2>&1 &
    helpers+=($!)
    (while curl -s "${1}metrics" >/dev/null; do sleep 1; done) &
    helpers+=($!)
}

instructions() { # REQUESTS LISTEN
    local parent file total=0 part run address
    local -a more=()
    if [ "$2" = yes ]; then more=(--listen 0); fi
    rm -f "$work"/profile.*
    timeout 300 valgrind --tool=callgrind --callgrind-out-file="$work/profile.%p" "$virtual" bench --null -n "$1" -t get \
        -r 100000 -c 50 --single-process --cpus none -q "${more[@]}" >"$work/log" 2>&1 </dev/null &
    run=$!
    if [ "$2" = yes ]; then address=$(address_in "$work/log"); look_on "$address"; fi
    wait "$run"
    parent=$(sed -n 's/^==\([0-9]*\)== Callgrind.*/\1/p' "$work/log" | head -n 1)
    for file in "$work"/profile.*; do
        if [ "$file" = "$work/profile.$parent" ]; then continue; fi
        part=$(sed -n 's/^\(summary\|totals\): *\([0-9]*\).*/\2/p' "$file" | tail -n 1)
        total=$((total + part))
    done
    echo "$total"
}

for looked in no yes; do
    few=$(instructions 20000 $looked)
    many=$(instructions 120000 $looked)
    awk -v d=$((many - few)) -v l=$looked 'BEGIN { printf "worker, instructions a request, looked at: %-3s %.1f\n", l, d / 100000 }'
done

start_prometheus() { # ADDRESS
    local at=${1#http://}
    printf 'global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: volley\n    static_configs:\n      - targets: ["%s"]\n' \
        "${at%/}" >"$work/prometheus.yml"
    prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
        --web.listen-address=127.0.0.1:19571 >"$work/prometheus.log" 2>&1 &
    helpers+=($!)
}

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

for looked in no yes; do
    more=()
    if [ "$looked" = yes ]; then more=(--listen 0); fi
    "$volley" bench --null -t get -r 100000 --processes 64 -c 128 --qps 6400 --duration $((seconds + 6)) --interval 1s "${more[@]}" \
        >"$work/out" 2>"$work/log" </dev/null &
    run=$!
    if [ "$looked" = yes ]; then
        address=$(address_in "$work/log")
        look_on "$address"
        start_prometheus "$address"
    fi
    sleep 4
    before=$(ticks $run)
    sleep "$seconds"
    after=$(ticks $run)
    wait $run || true
    awk -v t=$((after - before)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" -v l=$looked \
        'BEGIN { printf "orchestrator, 64 workers, looked at: %-3s %.2f %% of a CPU\n", l, 100 * t / hz / s }'
done

for _ in 1 2 3; do
    for viewers in none one-process processes; do
        more=()
        if [ "$viewers" != none ]; then more=(--listen 0); fi
        "$volley" bench --null -t get -r 100000 -c 50 --qps 20000 --duration 10 "${more[@]}" --json "$work/run.json" \
            >"$work/out" 2>"$work/log" </dev/null &
        run=$!
        if [ "$viewers" != none ]; then address=$(address_in "$work/log"); fi
        case $viewers in
        one-process)
            port=${address##*:}
            "${volley%/*}/perf/viewers" "${port%/}" 100 >/dev/null &
            helpers+=($!)
            ;;
        processes)
            for _ in $(seq 100); do
                curl -sN "${address}events" >/dev/null 2>&1 &
                helpers+=($!)
            done
            ;;
        esac
        wait $run || true
        python3 - "$work/run.json" "$viewers" <<'EOF'
import json, sys
run = json.load(open(sys.argv[1]))["runs"][0]
late = [c["value"] for c in run["verdict"]["checks"] if c["name"] == "late_records"][0]
print("100 viewers: %-11s p99.9 %.3f ms, late records %d" % (sys.argv[2], run["response_time_us"]["p99_9"] / 1e3, late))
EOF
    done
done
