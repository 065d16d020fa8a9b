#!/usr/bin/env bash
# Makes the script of pages, one file, of orchestrator/page/src and the packages that package.json names. Where that cannot
# be done (no node, no npm, no network), the file is empty and the reason is told: volley is then built without its pages.
#   orchestrator/page/bundle.sh FILE
set -eu
cd "$(dirname "$0")"
readonly source=$PWD
bundle=$(realpath -m "$OLDPWD/$1")
case $1 in /*) bundle=$1 ;; esac
readonly bundle folder=${bundle%/*}

without() {
    printf 'page: %s: volley is built without its pages (--html)\n' "$1" >&2
    : >"$bundle"
    exit 0
}

mkdir -p "$folder"
# Builds of several variants share the file.
exec 9>"$folder/lock"
flock -w 300 9 || without 'another build of it does not end'
if [ -s "$bundle" ] && [ -z "$(find "$source/src" "$source"/package*.json -newer "$bundle" -print -quit)" ]; then
    exit 0
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then without 'node and npm are not installed'; fi
if ! cmp -s package-lock.json "$folder/package-lock.json" || [ ! -x "$folder/node_modules/.bin/esbuild" ]; then
    cp package.json package-lock.json "$folder/"
    timeout 300 npm ci --prefix "$folder" --no-audit --no-fund --fetch-retries=1 --fetch-timeout=60000 \
        --loglevel=error </dev/null >&2 || { rm -f "$folder/package-lock.json"; without 'npm could not install the packages'; }
fi
NODE_PATH=$folder/node_modules "$folder/node_modules/.bin/esbuild" src/main.js --bundle --minify --format=iife \
    --loader:.css=text --charset=utf8 --target=es2020 --log-level=warning --outfile="$bundle.new" >&2 ||
    without 'esbuild failed'
mv "$bundle.new" "$bundle"
