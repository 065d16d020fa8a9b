#!/usr/bin/env bash
# One night: measures the newest commits of a branch that have not been measured, and puts them into the history.
#
#   nightly.sh REPOSITORY CONFIG [DATABASE]      results go to ./results; DATABASE: results/history.db, or postgresql://USER@HOST/NAME
#
# From the environment: BRANCH (unstable), MAX_COMMITS (3), RUNS (5). The status is not 0 when a commit could not be measured, or one is
# slower than the one before it.
set -eu -o pipefail

[ $# -ge 2 ] || { echo 'usage: nightly.sh REPOSITORY CONFIG [DATABASE]' >&2; exit 2; }
repository=$1 config=$2 history=${3-results/history.db}
failed=0

volley track cleanup --db "$history" --config-file "$config"
commits=$(volley track determine --repo "$repository" --branch "${BRANCH-unstable}" --max-commits "${MAX_COMMITS-3}" --db "$history" --config-file "$config")
# The oldest first, and each held against the one before it.
for commit in $(tr ' ' '\n' <<<"$commits" | tac); do
    volley track mark "$commit" --repo "$repository" --status in_progress --db "$history" --config-file "$config"
    if volley suite --config "$config" --repo "$repository" --commits "$commit" --runs "${RUNS-5}" --results-dir results; then
        volley push --results-dir results --db "$history"
        volley track mark "$commit" --repo "$repository" --status complete --db "$history" --config-file "$config"
        volley history --detect-regression --threshold 5% --where "architecture=$(uname -m)" --db "$history" || failed=1
    else
        failed=1
    fi
done
exit "$failed"
