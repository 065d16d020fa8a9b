#!/usr/bin/env bash
# How sure `volley compare` is of what `volley suite` has measured, with this machine's own noise. About five minutes; nothing
# else should run meanwhile.
#
#   tests/perf/slowdown.sh [BUILD [RUNS]]    RUNS=30 of GET and SET, one commit; then BUILD/perf/slowdown
set -eu
cd "$(dirname "$0")/../.."
readonly build=${1:-build} runs=${2:-30}
readonly results=$build/perf/slowdown-runs
directory=$(configs/get-server.sh "${SERVER:-valkey-9.1}")
rm -rf "$results"
mkdir -p "$results/tree/src"
ln -s "$directory"/*-server "$results/tree/src/"
cat >"$results/suite.json" <<'END'
[{"duration": 3, "keyspacelen": 100000, "data_sizes": 64, "pipelines": [1, 16], "clients": 50, "commands": ["SET", "GET"],
  "cluster_mode": "no", "tls_mode": "no", "warmup": 1}]
END
"$build/volley" suite --config "$results/suite.json" --valkey-path "$results/tree" --results-dir "$results" --runs "$runs" \
    --seed 1 --log-level warning
"$build/perf/slowdown" "$results"/*alkey*/
