#!/usr/bin/env bash
# The documentation against the program: fails when docs/reference/options.md or metrics.md is stale, when a page names an option that
# does not exist or links to a file that is not there, when an example is refused, when a plot is not what its script
# draws, or when the man page is malformed.
#
#   tests/docs.sh VOLLEY MAN_PAGE
#   tests/docs.sh --fill VOLLEY PAGE     prints the page with its generated parts as they should be
#   tests/docs.sh --files PAGE...        writes the files that pages show, here: a block whose first line is "# NAME.yaml" or "-- NAME.lua"
set -eu
if [ "$1" = --files ]; then
    shift
    exec awk '
    /^```/ { inside = $0 == "```yaml" || $0 == "```lua"; name = ""; next }
    inside && name == "" { name = /^(# [a-z-]+\.yaml|-- [a-z-]+\.lua)$/ ? $2 : "/dev/null" }
    inside { print >name }' "$@"
fi
if [ "$1" = --fill ]; then fill=yes; shift; else fill=no; fi
cd "$(dirname "$0")/.."
volley=$(realpath "$1")
man_page=$2 # or a page to fill
failed=0
fail() { printf 'docs: %s\n' "$*"; failed=1; }

# Pages with a part that is generated: what it is between, and what of volley docs makes it.
generated='coming-from-valkey-benchmark options dialect valkey-benchmark
diagnosis rules diagnosis
optimize rules optimize
buffers stages stages'
# Such a page with the part of today.
filled() {
    local name mark kind
    read -r name mark kind < <(grep "^$(basename "$1" .md) " <<<"$generated")
    # shellcheck disable=SC2086 # words of a command
    "$volley" docs $kind |
        sed -e "/^<!-- $mark:/r /dev/stdin" -e "/^<!-- $mark:/,/^<!-- \\/$mark -->/{/^<!-- .*$mark/!d}" "$1"
}
if [ "$fill" = yes ]; then
    filled "$2"
    exit
fi

pages() { git ls-files -co --exclude-standard -- '*.md'; }

check_reference() {
    "$volley" docs markdown | cmp -s - docs/reference/options.md ||
        fail 'docs/reference/options.md is stale: make docs'
    "$volley" docs metrics | cmp -s - docs/reference/metrics.md ||
        fail 'docs/reference/metrics.md is stale: make docs'
    local name page
    while read -r name _; do
        page=docs/reference/$name.md
        filled "$page" | cmp -s - "$page" || fail "$page is stale: make docs"
    done <<<"$generated"
}

# Every --option in a page, but for words that are another program's.
check_options() {
    local known page option
    known=$({ "$volley" docs markdown; "$volley" docs completion; } | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u)
    while read -r page; do
        while read -r option; do
            case $option in --print | --test | --only) continue ;; esac # install-dependencies.sh, make honesty
            case $option in --work-tree | --again | --mirror | --keyring) continue ;; esac # tests/other-systems.sh
            case $option in --maxmemory-policy) continue ;; esac # the server's
            grep -qx -- "$option" <<<"$known" || fail "$page names $option, which volley does not know"
        done < <(grep -oE -- '(^|[^a-z0-9-])--[a-z][a-z0-9-]*' "$page" | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u)
    done < <(pages)
}

check_links() {
    local page target
    while read -r page; do
        while read -r target; do
            [ -e "$(dirname "$page")/${target%%#*}" ] || fail "$page links to $target, which is not there"
        done < <(grep -oE '\]\([^)#:]+[^):]*\)' "$page" | sed -E 's/^\]\((.*)\)$/\1/' | grep -v '^#')
    done < <(pages)
}

# The examples of a page: indented or fenced lines that begin with volley, without the shell's parts around it.
examples() {
    grep -hE '^(    |\$ )(echo [^|]*\| )?(build/)?volley( |$)' "$@" |
        sed -E 's/^(    |\$ )//; s/^.*\| (build\/)?volley/volley/; s/^build\///; s/ *#.*$//'
}

# Each example is parsed and planned; --explain connects to nothing. What needs a run's directory is left out.
check_examples() {
    local line directory rest name found
    directory=$(mktemp -d)
    awk '/^```/ { inside = $0 == "```yaml"; next } inside' docs/guide.md >"$directory/load.yaml"
    (cd "$directory" && "$OLDPWD/tests/docs.sh" --files "$OLDPWD"/docs/*.md "$OLDPWD"/docs/*/*.md)
    ln -s "$PWD/configs" "$directory/configs"
    while read -r line; do
        rest=${line#volley}
        rest=${rest# }
        case $rest in
        model*' -o '*) # the lines behind it use what it writes
            name=${rest##* -o }
            cp configs/workloads/cache.yaml "$directory/${name%% *}"
            [ "$name" = "${name#* --rates }" ] || cp configs/rate-plans/spike.yaml "$directory/${name#* --rates }"
            continue
            ;;
        'run scenario'*) # with --dry-run it connects to nothing
            (cd "$directory" && eval "'$volley' $rest --dry-run" >out 2>&1 </dev/null) ||
                fail "this example is refused: $line: $(grep '^volley: ' "$directory/out" | tail -n 1)"
            continue
            ;;
        run* | visualize* | suite* | push* | track* | compare\ * | diagnose* | validate* | alerts* | notify* | monitor* | latency-history* | analyze-memory* | profile* | baseline* | check* | calibrate* | info* | dataset* | report* | results* | verify* | record* | model* | workloads* | docs* | help* | version* | *--help*) continue ;;
        bench* | find-max* | sweep* | load-test* | compare-modes* | optimize* | *-benchmark\ *) name=${rest%% *} rest=${rest#"$name"} ;;
        *) name=bench ;;
        esac
        case $name in
        *-benchmark) # has no --explain; what is accepted finds no server
            (cd "$directory" && eval "'$volley' $name -s none $rest" >out 2>&1 </dev/null) && found=0 || found=$?
            [ "$found" = 5 ] || fail "this example is refused: $line: $(tail -n 1 "$directory/out")"
            continue
            ;;
        esac
        (cd "$directory" && eval "'$volley' $name --explain $rest" >out 2>&1 </dev/null) ||
            fail "this example is refused: $line: $(grep '^volley: ' "$directory/out" | tail -n 1)"
    done < <(examples README.md docs/*.md docs/*/*.md)
    rm -rf "$directory"
}

# A plot is what its script draws.
check_plots() {
    local script
    for script in docs/plots/*.awk; do
        awk -f "$script" | cmp -s - "${script%.awk}.svg" ||
            fail "${script%.awk}.svg is stale: awk -f $script > ${script%.awk}.svg"
    done
}

check_man_page() {
    local found
    if grep -q '@[A-Z]*@' "$man_page"; then fail "$man_page has a place that was not filled"; fi
    if command -v groff >/dev/null; then
        found=$(groff -man -Tutf8 -ww "$man_page" 2>&1 >/dev/null)
        [ -z "$found" ] || fail "$man_page: $found"
    fi
}

check_reference
check_options
check_links
check_examples
check_plots
check_man_page
[ "$failed" = 0 ] || exit 1
echo "docs: the reference is current, every option and link of $(pages | wc -l) pages exists, $(
    examples README.md docs/*.md docs/*/*.md | wc -l) examples are accepted"
