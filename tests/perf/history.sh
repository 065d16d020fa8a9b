#!/usr/bin/env bash
# How long pushing, determining and drawing take on a history of years, with SQLite and PostgreSQL.
#
#   tests/perf/history.sh BUILD     needs BUILD/volley, git, sqlite3 and a PostgreSQL of Debian's package
#
# Fails above 2 s (SQLite) and 5 s (PostgreSQL) for a push of 10,000 records, 1 s for determine over 10,000 commits and 100,000
# rows, and 2 s for a page of 100,000 records.
set -eu
cd "$(dirname "$0")/../.."
volley=$(realpath "${1:-build}/volley")
work=$(mktemp -d "${TMPDIR:-/tmp}/volley-history-XXXXXX")
programs=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | tail -n 1)")
server=
failed=0
# shellcheck disable=SC2317,SC2329 # by the trap
clean_up() {
    [ -z "$server" ] || { kill -QUIT "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; }
    rm -rf "$work"
}
trap clean_up EXIT
as_ordinary=()
if [ "$(id -u)" = 0 ]; then as_ordinary=(setpriv --reuid=nobody --regid=nogroup --clear-groups); fi

# COMMITS RECORDS: results of so many commits with so many records each, of 20 configurations
make_results() {
    rm -rf "$work/results"
    mkdir "$work/results"
    awk -v commits="$1" -v records="$2" -v folder="$work/results" 'BEGIN {
        srand(1)
        for (k = 0; k < commits; k++) {
            name = sprintf("%040d", k)
            system("mkdir " folder "/" name)
            file = folder "/" name "/metrics.json"
            printf "[" > file
            for (i = 0; i < records; i++)
                printf("%s{\"timestamp\":\"20%02d-%02d-%02dT%02d:00:00Z\",\"commit\":\"%s\",\"command\":\"%s\",\"data_size\":%d,\"pipeline\":%d,\"clients\":50,\"keyspacelen\":1000000,\"requests\":10000000,\"io_threads\":1,\"rps\":%.2f,\"avg_latency_ms\":%.3f,\"min_latency_ms\":0.1,\"p50_latency_ms\":%.3f,\"p95_latency_ms\":1.5,\"p99_latency_ms\":2.5,\"max_latency_ms\":9.1,\"cluster_mode\":false,\"tls\":false,\"architecture\":\"x86_64\",\"verdict\":\"GREEN\",\"run\":%d,\"seed\":%d}", \
                    (i > 0 ? "," : ""), 20 + k / 3000 % 6, 1 + k / 250 % 12, 1 + k / 10 % 25, k % 10, name, (i % 2 ? "SET" : "GET"), 16 * (1 + i / 2 % 2), 1 + i / 4 % 5, 500000 * (0.98 + 0.04 * rand()), rand(), rand(), i / 20, rand() * 1e6) > file
            printf "]" > file
            close(file)
        }
    }'
}

# NAME LIMIT-MS COMMAND...
measure() {
    local name=$1 limit=$2 begin end
    shift 2
    begin=$(date +%s%N)
    "$@" >"$work/out" 2>"$work/err" || { cat "$work/err"; exit 1; }
    end=$(date +%s%N)
    printf '%-62s %6d ms (limit %d)\n' "$name" $(((end - begin) / 1000000)) "$limit"
    if [ $(((end - begin) / 1000000)) -gt "$limit" ]; then failed=1; fi
}

mkdir "$work/postgres"
if [ "$(id -u)" = 0 ]; then chown nobody "$work/postgres"; fi
chmod 711 "$work"
"${as_ordinary[@]}" "$programs/initdb" -D "$work/postgres/data" -U volley -A trust -N --no-locale -E UTF8 >/dev/null
"${as_ordinary[@]}" "$programs/postgres" -D "$work/postgres/data" -p 54321 -k "$work/postgres" -c listen_addresses= >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do "$programs/pg_isready" -q -h "$work/postgres" -p 54321 && break; sleep 0.1; done
readonly postgres="postgresql://volley@/postgres?host=$work/postgres&port=54321" sqlite=$work/history.db

make_results 100 100
measure 'push, 10,000 records in 100 directories, SQLite' 2000 "$volley" push --results-dir "$work/results" --db "$sqlite"
measure 'push, 10,000 records in 100 directories, PostgreSQL' 5000 "$volley" push --results-dir "$work/results" --db "$postgres"
make_results 1 10000
measure 'push, 10,000 records in one directory, SQLite' 2000 "$volley" push --results-dir "$work/results" --table one --db "$sqlite"
measure 'push, 10,000 records in one directory, PostgreSQL' 5000 "$volley" push --results-dir "$work/results" --table one --db "$postgres"

make_results 1000 100
for database in "$sqlite" "$postgres"; do "$volley" push --results-dir "$work/results" --table large --db "$database" >/dev/null; done
measure 'history of 100,000 records with a page, SQLite' 2000 "$volley" history --table large --html "$work/page.html" --db "$sqlite"
measure 'history of 100,000 records with a page, PostgreSQL' 2000 "$volley" history --table large --html "$work/page.html" --db "$postgres"

git init -q "$work/repo"
awk 'BEGIN { for (i = 1; i <= 10000; i++) { printf "commit refs/heads/unstable\nmark :%d\ncommitter a <a@b> %d +0000\ndata 1\nx\n", i, 1600000000 + i * 3600; if (i > 1) printf "from :%d\n", i - 1 } }' |
    git -C "$work/repo" fast-import --quiet
git -C "$work/repo" rev-list unstable >"$work/shas"
for database in "$sqlite" "$postgres"; do "$volley" track cleanup --db "$database" 2>/dev/null; done
# each commit complete with ten configurations, but for the newest two with the one that is asked for
awk '{ for (i = 0; i < 10; i++) if (NR > 2 || i > 0) printf "INSERT INTO benchmark_commits (sha, timestamp, status, config, architecture) VALUES (\047%s\047, \0472026-01-01T00:00:00Z\047, \047complete\047, \047[{\"requests\":[%d],\"commands\":[\"SET\",\"GET\"],\"warmup\":10,\"tls_mode\":\"no\"}]\047, \047%s\047);\n", $1, i, machine }' \
    machine="$(uname -m)" "$work/shas" >"$work/rows.sql"
{ echo 'BEGIN;'; cat "$work/rows.sql"; echo 'COMMIT;'; } | sqlite3 "$sqlite"
{ echo 'BEGIN;'; cat "$work/rows.sql"; echo 'COMMIT;'; } | "$programs/psql" -q -d "$postgres"
echo '[{"requests":[0],"commands":["SET","GET"],"warmup":10,"tls_mode":"no"}]' >"$work/config.json"
for database in "$sqlite" "$postgres"; do
    "$volley" track query --db "$database" --config-file "$work/config.json" >/dev/null 2>&1 # hashes what others have put there
    measure "determine, 10,000 commits, 100,000 rows, ${database%%:*}" 1000 "$volley" track determine --repo "$work/repo" --max-commits 5 --config-file "$work/config.json" --db "$database"
    [ "$(wc -w <"$work/out")" = 2 ] || { echo 'not two commits'; failed=1; }
done
exit $failed
