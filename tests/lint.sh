#!/usr/bin/env bash
# `make lint`: everything that can be said about the sources without running them.
#
#   tests/lint.sh            all checks over all tracked files
#   tests/lint.sh CHECK...   only these: format layers calls banned sizes shell cppcheck tidy tidy-recent
#
# clang-tidy's verdict on a file is kept under build/lint until the file, a header or the configuration
# changes. Formatting and clang-tidy are decided by version 14, cppcheck by 2.10 (Debian 12): other
# versions see other things, so their findings are shown but do not fail.
set -eu
cd "$(dirname "$0")/.."

failed=0
fail() { printf 'lint: %s\n' "$*"; failed=1; }
# Prints what was found, if anything, under a heading, and fails.
report() { if [ -n "$2" ]; then fail "$1"; printf '%s\n' "$2" | sed 's/^/  /'; fi; }
tracked() { git ls-files -- "$@" | while read -r file; do if [ -f "$file" ]; then echo "$file"; fi; done; }

# Sets `tool` to the program that decides, or else to another version of it with `decides` no.
choose_tool() {
    local name=$1 version=$2
    decides=yes
    tool=$name-$version
    command -v "$tool" >/dev/null && return
    tool=$name
    command -v "$tool" >/dev/null || { fail "$name is missing: make deps"; return 1; }
    if ! "$tool" --version | grep -qE "(version|Cppcheck) $version(\.|$)"; then
        decides=no
        printf 'lint: %s %s decides; this one is another, so it only reports: %s\n' "$name" "$version" \
            "$("$tool" --version | grep -iE 'version|cppcheck' | head -n 1)"
    fi
}
verdict() { if [ "$decides" = yes ]; then fail "$1"; fi; }

check_format() {
    choose_tool clang-format 14 || return 0
    tracked '*.c' '*.h' | xargs -r "$tool" --dry-run -Werror || verdict 'format: run clang-format -i on these files'
}

# The rooms of orchestrator/, from above to below, with the places of those to come: a file includes its own room and
# those on lines below, never one on its own line or above (docs/design/overview.md).
readonly rooms='commands
    validate
    watch
    suite
    scenario
    vector page
    capacity
    fleet
    server
    machine options traffic
    report'

# Prints each include of orchestrator/ that does not point down. main.c stands above all rooms.
uphill_includes() {
    tracked 'orchestrator/*/*.[ch]' | xargs -r grep -noE '#include "orchestrator/[^"]*"' /dev/null | awk -F'[:"]' -v rooms="$rooms" '
        BEGIN {
            lines = split(rooms, line, "\n")
            for (i = 1; i <= lines; i++) {
                count = split(line[i], names, " ")
                for (k = 1; k <= count; k++) level[names[k]] = i
            }
        }
        {
            split($1, from, "/"); split($4, to, "/")
            if (!(from[2] in level)) print $1 ": orchestrator/" from[2] " has no place in the table of rooms"
            else if (!(to[2] in level) || (from[2] != to[2] && level[to[2]] <= level[from[2]])) print $1 ":" $2 ": " $4
        }'
}

# Arrows point down: orchestrator -> worker -> common; of worker/ the orchestrator sees worker.h only.
check_layers() {
    report 'layers: common/ includes only common/' \
        "$(tracked 'common/*.[ch]' | xargs -r grep -nE '#include "' /dev/null | grep -v '"common/')"
    report 'layers: worker/ includes only worker/ and common/' \
        "$(tracked 'worker/*.[ch]' | xargs -r grep -nE '#include "' /dev/null | grep -vE '"(worker|common)/')"
    report 'layers: a module of worker/modules/ or orchestrator/modules/ is no part of the program: it includes common/ and what is in its own folder, nobody else includes that' \
        "$(tracked 'common/*.[ch]' 'worker/*.[ch]' 'orchestrator/*.[ch]' | xargs -r grep -noE '#include "[^"]*"' /dev/null | awk -F'[:"]' '
            { split($1, from, "/"); split($4, to, "/"); module = from[2] == "modules" ? from[3] : ""; other = to[2] == "modules" ? to[3] : "" }
            module != other && !(module != "" && to[1] == "common") { print $1 ":" $2 ": " $4 }')"
    report 'layers: of worker/, orchestrator/ includes worker/worker.h only' \
        "$(tracked 'orchestrator/*.[ch]' | xargs -r grep -nE '#include "' /dev/null |
            grep -vE '"(orchestrator|common)/|"worker/worker\.h"')"
    report 'layers: a room of orchestrator/ includes one that is not below it' "$(uphill_includes)"
    report 'layers: nothing but tests/ includes tests/' \
        "$(tracked 'common/*.[ch]' 'worker/*.[ch]' 'orchestrator/*.[ch]' | xargs -r grep -n '#include "tests/' /dev/null)"
}

# Files of worker/ but for the modules, from below to above: what one defines, only those behind it call (docs/design/life-of-a-request.md).
readonly worker_order='placeholder command_rules replay_plan brace key_draw size_draw template key_slot recorded_key kept_index mix_order live_vector live live_draw mix_request mix_load mix_program consume_plan mix
    workload_functions workload_tests workload_mix workload_keys workload workload_drawn prefill transport_null mix_generator live_generator walk_generator check_plan check_generator plugin plugin_generator replay generator recorder users replaying tickets pacer near_cache near_reads batches pools buffer deadline_heap think recount edges resp_replies exchange connection router_nodes router repeat dispatch consume_say consume connections
    wait stream worker'

# The symbols that an object defines (T, D, B, R) or wants (U).
symbols() { nm "build/obj/$(tracked "worker/$1.c" "worker/*/$1.c" | sed 's|c$|o|')" | awk -v kinds="$2" '$NF != "" && index(kinds, $(NF - 1)) { print $NF }' | sort -u; }
check_calls() {
    local file below='' wanted defined
    report 'calls: worker/ has files that are not in the order of tests/lint.sh, or the other way round' \
        "$(diff <(grep -o '[a-z_]*' <<<"$worker_order" | sort) \
            <(tracked 'worker/*.c' | grep -v '^worker/modules/' | sed 's|.*/||; s|\.c$||' | sort) || true)"
    make -s build/volley || { fail 'calls: volley does not build'; return 0; }
    defined=$(for file in $worker_order; do
        symbols "$file" TDBR | sed "s/\$/ $file/"
    done | sort)
    for file in $worker_order; do
        wanted=$(join <(symbols "$file" U) <(echo "$defined") | while read -r symbol from; do
            case " $below " in *" $from "*) ;; *) echo "$file calls $symbol of $from" ;; esac
        done)
        report "calls: $file.c calls what stands above it" "$wanted"
        below="$below $file"
    done
}

# What the code may not call, comments left out.
calls() {
    local pattern=$1
    shift
    tracked "$@" | xargs -r grep -nE "(^|[^A-Za-z0-9_>.])($pattern)[[:space:]]*\(" /dev/null |
        grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)' || true
}
check_banned() {
    report 'banned functions' \
        "$(calls 'atoi|atol|atof|sprintf|vsprintf|strcpy|strcat|strtok|gettimeofday|rand|random|srand|gets' '*.c' '*.h')"
    report 'exit() below main: return an error instead' \
        "$(calls 'exit' 'common/*.[ch]' 'worker/*.[ch]' 'orchestrator/*.[ch]' | grep -v '^orchestrator/main\.c:')"
    report 'conflict markers' "$(tracked '*' | grep -v '^tests/lint\.sh$' | xargs -r grep -nE '^(<<<<<<<|>>>>>>>) ' /dev/null)"
    report 'marks of unfinished work' \
        "$(tracked '*.c' '*.h' '*.sh' Makefile | grep -v '^tests/lint\.sh$' | xargs -r grep -nE '\b(TODO|FIXME|XXX|HACK)\b' /dev/null)"
}

check_sizes() {
    report 'files above 700 lines' "$(tracked '*.c' '*.h' | xargs -r wc -l | awk '$2 != "total" && $1 > 700')"
    report 'tests that assert nothing, neither themselves nor in a helper of their file or of tests/support/check' \
        "$(tracked 'tests/support/check/*.c' 'tests/unit/*.c' 'tests/integration/*.c' | vacuous_tests)"
}

# Names the tests of the files on standard input that assert nothing. A function asserts when it calls ck_..., or a function that does: of its own
# file, or of tests/support/check. Files are read until no more such functions are found.
vacuous_tests() {
    awk '
        function scan(file, report,    line, name, is_test, found, changed) {
            while ((getline line < file) > 0) {
                if (line ~ /^(static |bool |void |int |struct |const |(START_|LOOP_)?TEST(_IN)?\()/ && line !~ /;$/) {
                    name = line
                    is_test = line ~ /^[A-Z_]*TEST/
                    if (line ~ /_IN\(/) sub(/[a-z_]*, /, "", name)
                    if (is_test) sub(/,.*/, "", name)
                    else sub(/\(.*/, "", name)
                    sub(/.*[ *(]/, "", name); sub(/\)$/, "", name)
                    found = 0
                } else if (line ~ /^#define [A-Za-z_]+\(/) {
                    split(line, words, /[ (]/)
                    if (line ~ known) changed += learn(words[2])
                } else if (!found && line ~ known) found = 1
                if (line ~ /^}/ && found) changed += learn(name)
                if (line ~ /^}$/ && is_test && report && !found) print file ": " name
            }
            close(file)
            return changed
        }
        function learn(name) {
            if (name == "" || name in asserts) return 0
            asserts[name] = 1
            known = known "|(^|[^A-Za-z0-9_])" name "\\("
            return 1
        }
        BEGIN {
            known = "ck_[a-z]"
            while ((getline name < "-") > 0) {
                if (name ~ /support/) support[name]
                else files[++count] = name
            }
            do { more = 0; for (file in support) more += scan(file, 0) } while (more)
            shared = known
            for (i = 1; i <= count; i++) {
                known = shared
                split("", asserts)
                while (scan(files[i], 0)) continue
                scan(files[i], 1)
            }
        }'
}

check_shell() {
    local scripts
    scripts=$(git ls-files | while read -r file; do
        if [ -f "$file" ] && head -c 60 "$file" | grep -qaE '^#!.*\b(ba|da)?sh$'; then echo "$file"; fi; done)
    command -v shellcheck >/dev/null || { fail 'shellcheck is missing: make deps'; return; }
    printf '%s\n' "$scripts" | xargs -r shellcheck || fail shellcheck
}

check_cppcheck() {
    choose_tool cppcheck 2.10 || return 0
    mkdir -p build/lint/cppcheck
    # No findings: Check's macros, which it does not know; readdir, which is safe on a stream of one's own;
    # NULL behind variadic arguments, which is a pointer in glibc;
    # an out-parameter that is not set yet; two findings that are wrong.
    tracked 'common/*.c' 'worker/*.c' 'orchestrator/*.c' 'tests/*.c' | "$tool" --file-list=- -j "$(nproc)" \
        --quiet --std=c11 --language=c -I. -D_GNU_SOURCE -D__x86_64__ --library=posix,gnu \
        --cppcheck-build-dir=build/lint/cppcheck --enable=warning,performance,portability \
        --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unmatchedSuppression \
        --suppress=unknownMacro --suppress=normalCheckLevelMaxBranches --suppress=toomanyconfigs --suppress=readdirCalled --suppress=varFuncNullUB \
        --suppress=ctuuninitvar --suppress=uninitvar:tests/perf/compare.c --suppress=nullPointer:tests/support/check/fake_server.c \
        --inline-suppr --error-exitcode=1 --template='{file}:{line}: {severity}: {message} [{id}]' ||
        verdict cppcheck
}

# One file for xargs: says nothing of a file that passed before with the same content around it.
tidy_one() {
    local file=$1 stamp status=0 found
    stamp=build/lint/tidy/$(printf '%s' "$LINT_AROUND $(sha256sum "$file")" | sha256sum | cut -c 1-32)
    if [ -e "$stamp" ]; then return 0; fi
    local -a flags
    read -r -a flags <<<"$LINT_FLAGS"
    if [ "$file" != common/err.c ]; then flags+=(-include tests/support/tidy.h); fi
    found=$("$LINT_TOOL" --quiet "$file" -- "${flags[@]}" 2>&1) || status=$?
    printf '%s\n' "$found" | grep -vE '^$|warnings? (generated|treated as errors?)|^Suppressed|^Use -header-filter' || true
    if [ $status = 0 ]; then touch "$stamp"; fi
    return $status
}
# What the last 100 commits have changed in the program: all of it takes ten minutes, and is for `make lint` by hand, as are the
# tests, which compilers and cppcheck read in .ci/run. Without history it is the whole program.
check_tidy-recent() {
    local -a files=()
    if [ "$(git rev-parse --is-shallow-repository)" = false ]; then
        mapfile -t files < <(git log -n 100 -c --name-only --format= | sort -u | grep -E '^(common|worker|orchestrator)/.*\.c$')
    fi
    [ ${#files[@]} != 0 ] || files=('common/*.c' 'worker/*.c' 'orchestrator/*.c')
    check_tidy "${files[@]}"
}
check_tidy() {
    choose_tool clang-tidy 14 || return 0
    mkdir -p build/lint/tidy build/gen
    : >>build/gen/suites.h
    LINT_TOOL=$tool
    LINT_FLAGS=$(make -s --no-print-directory CC=clang flags)
    LINT_AROUND=$({ tracked '*.h' | xargs cat .clang-tidy; echo "$LINT_FLAGS"; "$tool" --version; } | sha256sum)
    export LINT_TOOL LINT_FLAGS LINT_AROUND
    export -f tidy_one
    [ $# != 0 ] || set -- 'common/*.c' 'worker/*.c' 'orchestrator/*.c' 'tests/*.c'
    tracked "$@" |
        xargs -r -P "$(nproc)" -I{} bash -c 'tidy_one {}' || verdict clang-tidy
}

[ $# != 0 ] || set -- format layers calls banned sizes shell cppcheck tidy
for check in "$@"; do
    started=$SECONDS
    "check_$check"
    printf 'lint: %-8s %3d s\n' "$check" $((SECONDS - started))
done
[ "$failed" = 0 ] || { echo 'lint: failed'; exit 1; }
echo 'lint: passed'
