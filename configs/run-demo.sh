#!/usr/bin/env bash
# `make run`: benchmarks a private server and stops it again.
#
#   configs/run-demo.sh [VOLLEY]
#
# Starts valkey-server or redis-server from PATH, or else the valkey 8.0 that get-server.sh has put into the cache folder,
# on a free loopback port, without persistence, on a CPU of its own when there are two, writes 1,000,000 keys with SET and reads them with GET for 5 s at pipeline 1 and
# 5 s at pipeline 16. The server is stopped however this script ends.
set -eu

readonly volley=${1:-build/volley}
readonly keys=1000000

readonly get_server=${BASH_SOURCE[0]%/*}/get-server.sh
server_program() {
    local directory
    command -v valkey-server || command -v redis-server || {
        directory=$("$get_server" --cached valkey-8.0) && printf '%s\n' "$directory/valkey-server"
    } || {
        echo 'run: neither valkey-server nor redis-server is on PATH: make deps' >&2
        return 1
    }
}

# The CPUs that this process may use, one a line: "0-2,5" -> 0 1 2 5.
allowed_cpus() {
    sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr ',' '\n' |
        while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done
}

answers() { # PORT
    local reply=
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'PING\r\n' >&3
    read -r -t 1 reply <&3 || true
    exec 3>&-
    [ "$reply" = $'+PONG\r' ]
}
taken() { # PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

directory=
server_pid=
stop() {
    trap '' INT TERM HUP
    if [ -n "$server_pid" ]; then
        kill "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    if [ -n "$directory" ]; then rm -rf "$directory"; fi
}

# start PROGRAM CPU: false when the port was taken in between, or the server does not come up.
start() {
    port=$((20000 + RANDOM % 10000))
    if taken "$port"; then return 1; fi
    # A session of its own: a Ctrl+C is for volley, which must not lose its server first. setpriv ends the
    # server with this script, also when that is killed.
    local pin=()
    if [ -n "$2" ]; then pin=(taskset -c "$2"); fi
    setsid setpriv --pdeathsig TERM "${pin[@]}" "$1" --port "$port" --bind 127.0.0.1 --save '' --appendonly no \
        --dir "$directory" --daemonize no >"$directory/server.log" 2>&1 </dev/null &
    server_pid=$!
    local attempt
    for ((attempt = 0; attempt < 300; attempt++)); do
        kill -0 "$server_pid" 2>/dev/null || break
        if answers "$port"; then return 0; fi
        sleep 0.1
    done
    kill "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
    return 1
}

# Ctrl+C goes to volley too, which reports what it has; what was planned after it is left out.
bench() {
    printf '\n$ volley bench %s\n\n' "$*"
    "${place[@]}" "$volley" bench "$@" || exit $?
}

program=$(server_program)
mapfile -t cpus < <(allowed_cpus)
server_cpu=
place=()
if [ ${#cpus[@]} -ge 2 ]; then
    server_cpu=${cpus[0]}
    place=(taskset -c "$(IFS=,; echo "${cpus[*]:1}")")
fi
directory=$(mktemp -d "${TMPDIR:-/tmp}/volley-run-XXXXXX")
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
port=
for try in 1 2 3 4 5; do
    if start "$program" "$server_cpu"; then break; fi
    if [ "$try" = 5 ]; then
        echo "run: $program does not come up:" >&2
        tail -n 20 "$directory/server.log" >&2 || true
        exit 5
    fi
done
echo "$("$program" --version | cut -d' ' -f1-4) on 127.0.0.1:$port${server_cpu:+, CPU $server_cpu}"

bench -h 127.0.0.1 -p "$port" -t set -n $keys --sequential $keys -P 16
bench -h 127.0.0.1 -p "$port" -t get -r $keys -P 1 --duration 5s
bench -h 127.0.0.1 -p "$port" -t get -r $keys -P 16 --duration 5s
