#!/usr/bin/env bash
# How much memory a live page takes in headless Chromium after a day of intervals of 1 s, and how long a new one takes to be drawn.
#
#   tests/perf/live_page.sh BUILD [SECONDS]        needs BUILD/perf/live_rows and build/js
#
# Fails above 60 MB, and where half of the new intervals take 20 ms or more from their event to the last panel.
set -eu
cd "$(dirname "$0")/../.."
readonly build=${1:-build} seconds=${2:-86400} shown=200
work=$(mktemp -d "${TMPDIR:-/tmp}/volley-live-XXXXXX")
mkfifo "$work/input"
trap 'exec 3>&-; rm -rf "$work"' EXIT
"$build/perf/live_rows" "$seconds" "$shown" <"$work/input" >"$work/told" &
readonly rows=$!
exec 3>"$work/input"
until grep '^http://' "$work/told" >"$work/url"; do
    kill -0 "$rows" || exit 1
    sleep 0.05
done
VOLLEY_JS=build/js VOLLEY_STEP_MS=600000 node tests/support/page/check_live.js "$work/url" --until 'live && live.rows >= 2' \
    --until "live.seconds >= $seconds - $shown" --forget --until "live.seconds >= $seconds" --heap --screenshot "${LIVE_PICTURE:-$work/picture.png}" >"$work/seen"
# shellcheck disable=SC2016 # what node expands
sed -n '$p' "$work/seen" | node -e '
const { live, heap_bytes, heap, foreign } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const took = live.took.slice(2).sort((a, b) => a - b), at = (part) => took[Math.floor(took.length * part)].toFixed(1);
console.log(`rows ${live.rows}, snapshots ${live.snapshots}, memory ${(heap_bytes / 1e6).toFixed(1)} MB (scripts ${(heap.usedSize / 1e6).toFixed(1)}, arrays ` +
  `${((heap.backingStorageSize || 0) / 1e6).toFixed(1)}), ${took.length} intervals drawn: median ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(0.9999)} ms`);
for (const what of foreign) console.log(what);
process.exitCode = heap_bytes < 60e6 && at(0.5) < 20 && foreign.length === 0 ? 0 : 1;'
