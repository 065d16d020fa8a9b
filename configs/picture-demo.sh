#!/usr/bin/env bash
# `make demo`: a scenario at a small scale on a server of its own, and everything that shows it.
#
#   configs/picture-demo.sh [VOLLEY [DIRECTORY]]
#
# Runs memory_fragmentation_analysis at 3/100 (half a minute, 500 MB of memory), and writes its page, PNG and SVG, CSV and JSON into the directory; lists them.
set -eu

readonly volley=${1:-build/volley} directory=${2:-build/demo} scenario=memory_fragmentation_analysis

command -v valkey-server >/dev/null || command -v redis-server >/dev/null || {
    server=$("${BASH_SOURCE[0]%/*}/get-server.sh" --cached valkey-8.0) || {
        echo 'demo: neither valkey-server nor redis-server is on PATH: make deps' >&2
        exit 1
    }
    PATH=$server:$PATH
}
mkdir -p "$directory"
"$volley" run scenario "$scenario" --scale 0.03 --output "$directory/runs" || [ $? = 1 ]
"$volley" visualize generate "$scenario" --output "$directory/runs" --output-dir "$directory" --format all >/dev/null
"$volley" visualize export-data "$scenario" "$directory" --output "$directory/runs" >/dev/null
"$volley" visualize export-data "$scenario" "$directory" --output "$directory/runs" --format json >/dev/null
echo
find "$directory" -maxdepth 1 -type f -exec ls -l {} + | awk '{ printf "%10d  %s\n", $5, $NF }'
