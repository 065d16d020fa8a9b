#!/usr/bin/env bash
# Runs every example of the user's pages against real servers: each line that begins with volley in an indented block or a
# fence, and each that stands between backquotes and has an option. A new example is found by itself; hosts and ports of
# the pages are mapped to servers that volley itself starts here, and lengths are cut short. An example that cannot be
# mapped, or ends with another status than it should, fails.
#
#   tests/examples.sh VOLLEY [FURTHER_PAGE]      called by test_examples
set -u
cd "$(dirname "$0")/.." || exit 1
volley=$(realpath "$1")
root=$PWD

# Pages of one group run one after the other, groups at once: they wait most of the time.
groups=(README.md docs/guide.md docs/guide-branch.md docs/guide-nightly.md docs/guide-watching.md docs/honest-load.md docs/cookbook.md 'docs/reference/*.md' ${2+"$2"})

# Examples that cannot be run, by a pattern of the shell, and why.
readonly -a not_run=(
    '*--askpass*' 'asks for a password on a terminal'
    '*00:12 of 01:00*' 'the head of a screen'
    '*--tui*' 'draws on a terminal; tests/integration/test_terminal.c has one'
    '*bench \[options\]*' 'a usage line'
    '*record -o FILE*' 'a usage line'
    '*compare --baseline RESULT*' 'a usage line'
    '*diagnose DIR*' 'a usage line'
    '*suite \[--config FILE\]*' 'a usage line'
    '*validate suite FILE*' 'a usage line'
    '*alerts check FILE*' 'a usage line'
    '*validate alerts FILE*' 'a usage line'
    '*validate kpis FILE*' 'a usage line'
    '*calibrate --from *' 'runs that nobody has made here'
    'volley suite' 'the name of a command, which by itself fetches a repository'
    '*suite *--commits*' 'builds commits of a repository'
    '*suite *--valkey-path*' 'needs the sources of a server'
    '*compare *<commit>*' 'commits of a suite that nobody has run'
    '*baseline * buffers*' 'results of a suite that builds commits; tests/integration/test_baseline_suites.c has them'
    '*check --baseline buffers*' 'likewise'
    'volley push*' 'results that nobody has measured here, and databases of others'
    'volley track *--repo*' 'the sources of a server'
    'volley history*' 'a history that nobody has kept here'
    'volley track query*' 'likewise'
    '*--notify *' 'channels of others'
    '*--listen-token token' 'a token that nobody has made here'
    'volley monitor*' 'watches for days; tests/integration/test_monitor.c has one'
    'volley latency-history*' 'likewise'
    '*\.\.\.*' 'an ellipsis'
)

work=$(mktemp -d)
providers=()
# shellcheck disable=SC2317,SC2329 # by the trap
clean_up() {
    [ ${#providers[@]} = 0 ] || kill "${providers[@]}" 2>/dev/null
    wait
    rm -rf "$work"
}
trap clean_up EXIT

# ---- the servers

# A target that volley holds for as long as it is asked once a second, for anybody to use: NAME KIND [ARGUMENT...]
provide() {
    local name=$1 kind=$2
    shift 2
    mkdir "$work/$name"
    TMPDIR=$work/$name "$volley" bench "--managed=$kind" --managed-args "--requirepass '' $*" -t set -r 10 -c 8 --processes 1 --qps 1 --pacing sleep \
        --duration 10m --log-level info >"$work/$name.out" 2>"$work/$name.log" </dev/null &
    providers+=($!)
}

# Waits until the load of a target has begun, and prints its ports.
ports_of() {
    local name=$1 tries=0
    until grep -q ': begins on ' "$work/$name.log"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "examples: no $name within 60 s: $(tail -n 1 "$work/$name.log")" >&2; return 1; }
        sleep 0.1
    done
    sed -nE 's/.*started .* on port ([0-9]+)$/\1/p' "$work/$name.log" | tr '\n' ' '
}

# Sentinels are the server's own program.
provide_sentinel() {
    local program tries
    program=$(sed -nE 's/.*started (node 0, )?(.*) \(pid .*/\2/p' "$work/replicated.log" | head -n 1)
    for tries in 1 2 3 4 5; do
        sentinel=$((20000 + RANDOM % 10000))
        mkdir -p "$work/sentinel"
        printf '%s\n' "port $sentinel" "bind 127.0.0.1" "dir $work/sentinel" "logfile ''" \
            "sentinel monitor main 127.0.0.1 $replicated 1" >"$work/sentinel.conf"
        "$program" "$work/sentinel.conf" --sentinel >"$work/sentinel.log" 2>&1 </dev/null &
        local pid=$!
        for ((i = 0; i < 100; i++)); do
            if grep -q '+monitor' "$work/sentinel.log"; then providers+=("$pid"); return 0; fi
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        kill "$pid" 2>/dev/null
    done
    echo "examples: no sentinel starts ($tries tries): $(tail -n 1 "$work/sentinel.log")" >&2
    return 1
}

start_servers() {
    provide plain yes --unixsocket "$work/valkey.sock"
    provide tls tls
    provide replicated replicas=1
    provide cluster cluster=3+3
    plain=$(ports_of plain) && tls=$(ports_of tls) && replicated=$(ports_of replicated) &&
        cluster=$(ports_of cluster) || return 1
    plain=${plain%% *} tls=${tls%% *} replicated=${replicated%% *} cluster=${cluster%% *}
    authority=$(echo "$work"/tls/volley-tls-*/volley-ca.pem)
    local port
    for port in "$plain" "$tls"; do
        local -a how=(-p "$port")
        [ "$port" = "$plain" ] || how+=(--tls --cacert "$authority")
        "$volley" bench "${how[@]}" -q -n 1 -c 1 -- acl setuser bench on '>secret' '~*' '&*' +@all >"$work/acl.out" 2>&1 ||
            { echo "examples: $(cat "$work/acl.out")" >&2; return 1; }
    done
    provide_sentinel
}

# ---- the examples

# status<TAB>line, of the pages: indented or fenced, then those between backquotes. The status of one that stands in a
# table is the number in the first column.
extract() {
    awk '
    function out(status, line) { sub(/ +#.*$/, "", line); print status "\t" line }
    /^```/ { fenced = !fenced; next }
    fenced || /^    / {
        line = $0; sub(/^ +/, "", line); sub(/^\$ /, "", line)
        if (line ~ /^((echo [^|]*\| )|([A-Z_]+=[^ ]* ))?(build\/)?volley( |$)/) out(0, line)
        next
    }
    {
        status = 0; rest = $0
        if (rest ~ /^\| *[0-9]+ *\|/) { status = rest; sub(/^\| */, "", status); sub(/[^0-9].*$/, "", status) }
        while (match(rest, /`(build\/)?volley [^`]* -[^`]*`/) || match(rest, /`volley report \/[^`]*`/)) {
            out(status, substr(rest, RSTART + 1, RLENGTH - 2))
            rest = substr(rest, RSTART + RLENGTH)
        }
    }' "$@"
}

cannot_be_run() {
    local i
    for ((i = 0; i < ${#not_run[@]}; i += 2)); do
        # shellcheck disable=SC2053 # patterns
        [[ $1 != ${not_run[i]} ]] || return 0
    done
    return 1
}

fail() { printf 'examples: %s: %s\n' "$page" "$*"; failed=1; }

given() { # whether an option of these names stands before a command of the example's own
    local word name
    for word in "${words[@]}"; do
        [ "$word" != -- ] || return 1
        for name in "$@"; do [[ $word != "$name" && $word != "$name="* ]] || return 0; done
    done
    return 1
}

# A port of the pages; others stay, as 1 for one where nobody listens.
map_port() {
    case $1 in
        6379 | 7000) echo "$plain" ;;
        6380) echo "$tls" ;;
        1) echo 1 ;;
        *) return 1 ;;
    esac
}

map_hosts() {
    [[ $1 =~ ^(10\.0\.0\.[0-9]+|db\.example|127\.0\.0\.1)(:[0-9]+)?(,|$) ]] || return 1
    if given --cluster; then echo "127.0.0.1:$cluster"
    elif given --rfr --read-from-replica; then echo "127.0.0.1:$replicated"
    elif [[ $1 == *,* ]]; then echo "127.0.0.1:$plain,127.0.0.1:$replicated"
    elif given --tls; then echo localhost
    else echo 127.0.0.1; fi
}

map_uri() {
    [[ $1 =~ ^(rediss|valkeys|redis|valkey)://(.*@)?(10\.0\.0\.[0-9]+|db\.example|127\.0\.0\.1|localhost)(:[0-9]+)?(/.*)?$ ]] || return 1
    case ${BASH_REMATCH[1]} in
        *s) echo "${BASH_REMATCH[1]}://${BASH_REMATCH[2]}127.0.0.1:$tls${BASH_REMATCH[5]}" ;;
        *) echo "${BASH_REMATCH[1]}://${BASH_REMATCH[2]}127.0.0.1:$plain${BASH_REMATCH[5]}" ;;
    esac
}

# The value of an option as it is used here; the option itself when its value stays. 1: there is no place for it here.
map_value() {
    local value=$2
    case $1 in
        -h | -H | --host) map_hosts "$value" || return 1 ;;
        -p | --port) map_port "$value" || return 1 ;;
        -u | --uri) map_uri "$value" || return 1 ;;
        -s | --socket) echo "$work/valkey.sock" ;;
        --sentinel) echo "127.0.0.1:$sentinel" ;;
        --cacert) echo "$authority" ;;
        --cert) echo "${authority%ca.pem}server.pem" ;;
        --key) echo "${authority%ca.pem}server-key.pem" ;;
        --sni) echo localhost ;;
        --control) echo "$PWD/control.sock" ;;
        --duration | --test-duration) if [ "${words[0]}" = record ]; then echo 3s; elif given --chaos; then echo 2700ms; elif given --control; then echo 10m; else echo 200ms; fi ;;
        --warmup | --steady-limit) echo 100ms ;;
        --runs) [[ ${words[0]} =~ ^(compare-modes|optimize)$ ]] && echo 3 || echo "$value" ;;
        --rounds) echo 1 ;;
        --qps-change-interval | --client-ramp-interval) echo 20ms ;;
        --csv-interval | --interval) echo 100ms ;;
        -n | --requests) [[ $value =~ ^[0-9]{1,3}$ ]] && echo "$value" || echo 1000 ;;
        -r | --random | --sequential) [[ $value =~ ^[0-9]{1,3}$ ]] && echo "$value" || echo 1000 ;;
        --idle) echo 20 ;;
        *) echo "$value" ;;
    esac
}

# On a server of its own, and short; what the example leaves open goes into its directory.
map_scenario() {
    local i
    for ((i = 0; i < ${#words[@]}; i++)); do
        case ${words[i]} in
            -h | --host) words[i + 1]=127.0.0.1 ;;
            -p | --port) words[i + 1]=$plain ;;
            --scale) words[i + 1]=0.02 ;;
        esac
    done
    given --scale || words+=(--scale 0.02)
    given -o --output || words+=(-o "$PWD/scenarios")
    if given -h --host && ! given -p --port; then words+=(-p "$plain"); fi
}

# words -> words that can be run here.
map_words() {
    local -a mapped=() added=()
    local i name value last=${#words[@]}
    [ "${words[0]}" = ctl ] && { words[1]=$PWD/control.sock; return 0; }
    [ "${words[0]}" = info ] && { [ "${words[1]-}" = workloads ] || words+=(-p "$plain"); return 0; }
    [[ ${words[0]} =~ ^(analyze-memory|profile)$ ]] && { words+=(-p "$plain" --duration 200ms); return 0; }
    [ "${words[0]} ${words[1]-}" = 'baseline save' ] || [ "${words[0]}" = check ] && { words+=(--force); return 0; } # short runs may be RED
    [ "${words[0]}" = verify ] && ! given --help && { words+=(-p "$plain"); return 0; }
    [ "${words[0]}" = model ] && ! given --sample && return 0
    [ "${words[0]} ${words[1]-}" != 'run scenario' ] || map_scenario
    [ "${words[0]}" != visualize ] || given -o --output || words+=(-o "$PWD/scenarios")
    [[ ${words[0]} =~ ^(run|visualize|suite|compare|diagnose|baseline|check|track|push|history|validate|alerts|calibrate|dataset|report|results|workloads|docs|help|version)$ ]] && return 0
    given --explain --help --version && return 0
    for ((i = 0; i < last; i++)); do
        [ "${words[i]}" != -- ] || break
        name=${words[i]}
        if [[ $name == --*=* ]]; then
            value=$(map_value "${name%%=*}" "${name#*=}") || { fail "no server stands for $name here"; return 1; }
            mapped+=("${name%%=*}=$value")
        elif takes_value "$name" && ((i + 1 < last)); then
            value=$(map_value "$name" "${words[i + 1]}") || { fail "no server stands for $name ${words[i + 1]} here"; return 1; }
            mapped+=("$name" "$value")
            i=$((i + 1))
        else
            mapped+=("$name")
        fi
    done
    mapped+=("${words[@]:i}")
    add_options
    case ${mapped[0]} in
        bench | find-max | sweep | load-test | compare-modes | optimize | record | model | valkey-benchmark | redis-benchmark) words=("${mapped[0]}" "${added[@]}" "${mapped[@]:1}") ;;
        *) words=("${added[@]}" "${mapped[@]}") ;;
    esac
}

as_other_tool() { [[ ${words[0]} == *-benchmark ]]; }

# Those whose value is looked at.
takes_value() {
    [[ $1 != --sequential ]] || ! as_other_tool || return 1 # a flag there
    [[ $1 =~ ^(-[hHpusnr]|--(host|port|uri|socket|sentinel|cacert|cert|key|sni|control|duration|test-duration|warmup|steady-limit|qps-change-interval|client-ramp-interval|csv-interval|interval|runs|rounds|requests|random|sequential|idle))$ ]]
}

# What an example leaves to the defaults, and what makes it short.
add_options() {
    added=()
    if [ "${words[0]}" = model ]; then
        given -p --port --cluster || added+=(-p "$plain")
        given --window || added+=(--window 3s)
        return
    fi
    # What holds the server sends a request a second.
    if [ "${words[0]}" = record ]; then
        given --from || { added+=(-p "$plain"); given --duration || added+=(--duration 3s); }
        return
    fi
    if ! given --managed -h -H --host -p --port -u --uri -s --socket --null --sentinel; then
        if given --cluster; then added+=(-p "$cluster"); else added+=(-p "$plain"); fi
    fi
    if given -h -H --host && ! given -p --port --cluster --rfr --read-from-replica && [[ " ${words[*]} " != *:[0-9]* ]]; then
        if given --tls; then added+=(-p "$tls"); else added+=(-p "$plain"); fi
    fi
    if given -u --uri && [[ " ${words[*]} " == *' rediss://'* || " ${words[*]} " == *' valkeys://'* ]] && ! given --cacert; then
        added+=(--cacert "$authority")
    fi
    case ${words[0]} in
        find-max)
            # Times of a class are kept by the second.
            local window=100ms
            [[ " ${words[*]} " =~ \ --slo\ [^\ ]*: ]] && window=1s
            added+=(--window "$window" --windows 1 --max-rate 2000 --precision 50% --max-probes 4)
            given --warmup || added+=(--warmup 0)
            ;;
        load-test) given --duration --test-duration || added+=(--duration 1s); given --warmup || added+=(--warmup 0) ;;
        sweep) given --step-duration || added+=(--step-duration 400ms --warmup 0) ;;
        *)
            if given --config; then added+=(--test-duration 200ms --warmup 0 -r 1000)
            elif given --rate-plan || { given --csv-interval && ! given --test-duration --duration; }; then added+=(--duration 200ms)
            elif ! given --duration --test-duration -n --requests; then added+=(-n 1000); fi
            if given --steady && ! given --steady-limit; then added+=(--steady-limit 200ms); fi
            ;;
    esac
}

# Whether this is how such an example may end. A search or a verdict depends on how busy the machine is, and so does a
# check of a percentile that rests on few samples: ten requests that the end of a short run left are its 99th.
is_as_expected() {
    local status=$1 expected=$2
    [ "$status" != "$expected" ] || return 0
    case $status in
        1) { given --require-green && grep -q 'asks for GREEN' err; } || [ "${words[0]}" = find-max ] || [ "${words[0]}" = check ] || few_samples_failed ;;
        4) [ "${words[0]}" = find-max ] ;;
        *) return 1 ;;
    esac
}

# Checks failed, all of them of percentiles of few samples; or of what a replica shows, of which it showed some: more than
# one write in a hundred is soon on its way when a short run ends.
few_samples_failed() {
    grep -q ' the check .* failed: ' err || return 1
    ! grep ' the check .* failed: ' err | grep -v '(few samples)$' | grep -qv ':seen:p[0-9.]* unknown: no answer$' || return 1
    ! grep -q 'unknown: no answer$' err || grep -qE '^[^ ]+:seen +[0-9.]+% +[0-9,.]*[1-9]' out
}

# A run that is to be steered goes on beside the lines that follow, until it is stopped.
begin_steered() {
    "$volley" "${words[@]}" >steered.out 2>steered.err </dev/null &
    steered=$!
    local i
    for ((i = 0; i < 400; i++)); do
        if "$volley" ctl "$PWD/control.sock" status 2>/dev/null | grep -q running; then return; fi
        sleep 0.05
    done
    fail "$line: cannot be steered: $(tail -n 1 steered.err)"
}

end_steered() {
    [ -n "$steered" ] || return 0
    "$volley" ctl "$PWD/control.sock" stop >/dev/null 2>&1
    wait "$steered" || fail "the run that was steered ended with status $?: $(tail -n 1 steered.err)"
    steered=
}

run_one() {
    local expected=$1 line=$2 rest status input=/dev/null
    local -a words=() environment=()
    if cannot_be_run "$line"; then left_out=$((left_out + 1)); return; fi
    rest=$line
    if [[ $rest == echo\ * ]]; then eval "${rest%%|*}" >input; input=input rest=${rest#*| }; fi
    rest=${rest%%3< *} # descriptor 3 holds the password here
    if [[ $rest =~ ^([A-Z_]+=[^ ]*)\ (.*)$ ]]; then environment=("${BASH_REMATCH[1]}") rest=${BASH_REMATCH[2]}; fi
    rest=${rest#build/}
    bash -n -c "words=(${rest#volley})" 2>/dev/null || { fail "not a command line: $line"; return; }
    eval "words=(${rest#volley})"
    [ ${#words[@]} -gt 0 ] || return
    map_words || return
    local key="$expected ${environment[*]} ${words[*]}"
    [ -z "${ran[$key]-}" ] || return
    ran[$key]=1
    if given --control; then begin_steered; return; fi
    env "${environment[@]}" timeout 60 "$volley" "${words[@]}" >out 2>err <"$input" 3<<<secret
    status=$?
    # Time is pressed together, but not what servers need for a takeover: the load may end before it.
    if given --chaos && grep -q 'the load ended in an outage' err; then return; fi
    is_as_expected "$status" "$expected" ||
        fail "status $status, not $expected: $line (here: ${words[*]}): $(grep '^volley: ' err | tail -n 1)"
}

# A page's examples share a directory: what one writes, the next one reads.
run_page() {
    local page=$1 steered='' expected line path
    declare -A ran=()
    mkdir -p "$work/at/$page/results" && cd "$work/at/$page" || exit 1
    case $page in /*) path=$page ;; *) path=$root/$page ;; esac
    cp -r "$root/configs" .
    local file
    for file in configs/chaos/*; do # a second becomes 45 ms
        awk '{
            while (match($0, /at"?:? ?"?[0-9]+s/)) {
                word = substr($0, RSTART, RLENGTH - 1); number = word; sub(/^[^0-9]*/, "", number)
                sub(/[0-9]+$/, "", word)
                $0 = substr($0, 1, RSTART - 1) word number * 45 "ms" substr($0, RSTART + RLENGTH)
            }
            print
        }' "$root/$file" >"$file"
    done
    awk '/^```/ { inside = $0 == "```yaml"; next } inside' "$root/docs/guide.md" >load.yaml
    awk '/^```/ { inside = $0 == "```json"; next } inside' "$root/docs/guide-nightly.md" >nightly.json
    "$root/tests/docs.sh" --files "$path"
    while IFS=$'\t' read -r expected line; do
        count=$((count + 1))
        run_one "$expected" "$line"
    done < <(extract "$path")
    end_steered
    cd "$root" || exit 1
}

run_group() {
    local failed=0 count=0 left_out=0 page
    for page in $1; do run_page "$page"; done
    echo "$count $left_out" >"$2.count"
    return "$failed"
}

start_servers || exit 1
running=()
for i in "${!groups[@]}"; do
    run_group "${groups[i]}" "$work/$i" >"$work/$i.out" 2>&1 &
    running+=($!)
done
failed=0
for i in "${!groups[@]}"; do
    wait "${running[i]}" || failed=1
    cat "$work/$i.out"
done
cat "$work"/*.count | awk '{ all += $1; out += $2 } END { printf "examples: %d, of which %d cannot be run\n", all, out }'
exit "$failed"
