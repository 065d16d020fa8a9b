#!/usr/bin/env bash
# Puts a server of a chosen version into the user's cache folder and prints the directory that its programs are in.
#
#   get-server.sh NAME             prints $XDG_CACHE_HOME/volley/servers/NAME/bin (without the variable: ~/.cache/...)
#   get-server.sh --source NAME    prints .../servers/NAME/source: unpacked, and not to be written to; once the programs
#                                  have been built, its src/ has links to them
#   get-server.sh --cached NAME    prints the directory of programs only if it is there; asks nobody
#   get-server.sh --list           prints the names
#
# Servers come from Debian's archive, which holds newer releases beside the one that is installed: valkey-8.0 as programs
# that run on Debian 12, the others as sources that are built here (one to two minutes). apt fetches and verifies
# them from the mirror of the system's own package sources, which stay as they are. Where the archive no longer has a
# version, the next newer one that it has is taken, and said. What is there already is printed at once.
set -eu

# name         the oldest release that has it
readonly servers_known='
valkey-8.0   bookworm-backports
valkey-8.1   trixie
valkey-9.1   sid
redis-8.0    trixie
'
readonly releases='bookworm-backports trixie sid' # from old to new
readonly programs_in=bookworm-backports           # its programs are taken as they are; elsewhere the sources are
readonly lock_seconds=1200

readonly dependencies=${BASH_SOURCE[0]%/*}/install-dependencies.sh
name=
say() { printf 'get-server: %s\n' "$*" >&2; }
die() { say "${name:+$name: }$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

list() { awk 'NF { print $1 }' <<<"$servers_known"; }
first_release() { awk -v name="$1" '$1 == name { print $2 }' <<<"$servers_known"; }

cache_folder() {
    case ${XDG_CACHE_HOME-} in
    /*) printf '%s\n' "$XDG_CACHE_HOME/volley/servers" ;; # a relative one is to be ignored
    *)
        [ -n "${HOME-}" ] || die 'neither XDG_CACHE_HOME nor HOME says where to put it'
        printf '%s\n' "$HOME/.cache/volley/servers"
        ;;
    esac
}

# Prints the directory of this kind (bin, source) when it is there. What stands in for another version is a link.
print_there() {
    [ -d "$folder/$name/$1" ] || return 1
    if [ -L "$folder/$name" ]; then say "$name: $(readlink "$folder/$name") stands in for it"; fi
    printf '%s\n' "$folder/$name/$1"
}

# ---- the archive

keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        if [ -r "$file" ]; then printf '%s\n' "$file"; return; fi
    done
    return 1
}

# Where apt's own package sources get this system's release from, one a line.
mirrors() {
    local release
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    { apt-get update --print-uris 2>/dev/null || true; } |
        sed -nE "s#^'([^']*)/dists/(${release:-sid}|stable|testing|unstable|sid)/InRelease'.*#\1#p" | sort -u
}

# One release of one mirror, in a world of its own under $work: nothing of the system's apt is read or written.
apt=()
use_release() { # MIRROR RELEASE
    rm -rf "$work/apt"
    mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$1" "$2" "$(keyring)" \
        >"$work/apt/parts/one.sources"
    apt=(-q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/parts"
        -o Dir::State::Lists="$work/apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$work/apt/cache"
        -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Languages=none -o Acquire::PDiffs=false
        -o Acquire::Retries=1 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
    apt-get "${apt[@]}" update >"$work/log" 2>&1
}

# 5:8.0.2+dfsg1-1 -> 8.0.2
released() { sed -E 's/^[0-9]+://; s/[-+~].*//' <<<"$1"; }
series() { released "$1" | cut -d. -f1-2; }
not_below() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; } # VERSION WANTED

# Of the versions on stdin the newest of the lowest series that is not below WANTED; nothing when there is none.
choose_version() { # WANTED
    local version
    while read -r version; do
        if not_below "$(series "$version")" "$1"; then
            printf '%s %s %s\n' "$(series "$version")" "$(released "$version")" "$version"
        fi
    done | sort -k1,1V -k2,2V | awk 'NR == 1 { lowest = $1 } $1 == lowest { version = $3 } END { if (NR) print version }'
}

# Sets release and version, the first release from old to new that has what is wanted or newer.
release=''
version=''
find_version() {
    local mirror candidates answered=no
    candidates=$(mirrors)
    [ -n "$candidates" ] || die "no mirror of Debian's archive is among apt's package sources"
    for mirror in $candidates; do
        for release in ${releases#"${releases%%"$(first_release "$name")"*}"}; do
            say "$name: looking it up in $release"
            use_release "$mirror" "$release" || continue
            answered=yes
            version=$(apt-cache "${apt[@]}" showsrc --only-source "$package" 2>/dev/null |
                sed -n 's/^Version: //p' | choose_version "$wanted")
            if [ -n "$version" ]; then return; fi
            say "$name: $release has no $package $wanted or newer"
        done
    done
    [ "$answered" = yes ] || die "the archive cannot be reached: $(grep -m 1 -E '^[EW]: ' "$work/log")"
    die "Debian's archive no longer has it, nor a newer $package"
}

# ---- programs

# The packages that hold libraries which the programs need and this machine lacks.
install_libraries() {
    local packages=()
    if ! ldd "$work"/bin/* 2>/dev/null | grep -q 'not found'; then return; fi
    mapfile -t packages < <(for deb in "$work"/*.deb; do dpkg-deb -f "$deb" Depends; done |
        tr ',' '\n' | sed -nE 's/^ *(lib[a-z0-9.+-]+).*/\1/p' | sort -u)
    "$dependencies" --packages "${packages[@]}"
}

take_programs() {
    say "$name: taking $(released "$version") from $release"
    (cd "$work" && apt-get "${apt[@]}" download "$package-server=$version" "$package-tools=$version") >>"$work/log" 2>&1 ||
        { say "$name: $(tail -n 1 "$work/log")"; return 1; }
    local deb
    for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work/root" || return 1; done
    mv -T "$work/root/usr/bin" "$work/bin" && install_libraries && "$work/bin/$package-server" --version >/dev/null && return
    say "$name: the archive's programs do not run here: building it instead"
    mv -T "$work/bin" "$work/useless"
    return 1
}

take_source() {
    say "$name: taking the source of $(released "$version") from $release"
    (cd "$work" && apt-get "${apt[@]}" source --download-only --tar-only "$package=$version") >>"$work/log" 2>&1 ||
        die "the source could not be fetched: $(tail -n 1 "$work/log")"
    mkdir "$work/source"
    tar -xf "$work/$package"_*.orig.tar.* -C "$work/source" --strip-components=1
}

build() { # SOURCE
    local program
    for program in gcc make pkg-config; do have "$program" || die "$program is missing: make deps"; done
    pkg-config --exists libssl || die 'the headers of OpenSSL are missing: make deps'
    say "$name: building it, which takes a minute or two"
    cp -a "$1" "$work/build"
    find "$work/build/src" -maxdepth 1 -type l -lname '../../bin/*' -delete
    # What a make around this one was told is not meant for the server.
    if ! env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CC -u CFLAGS -u LDFLAGS -u BUILD make -C "$work/build" -j"$(nproc)" \
        BUILD_TLS=yes >"$work/make.log" 2>&1; then
        mv "$work/make.log" "$folder/$name.make.log"
        die "it does not build, see $folder/$name.make.log: $(grep -m 1 -iE 'error' "$folder/$name.make.log")"
    fi
    mkdir "$work/bin"
    cp "$work/build/src/$package"-{server,cli,benchmark} "$work/bin/"
    for program in sentinel check-aof check-rdb; do ln -s "$package-server" "$work/bin/$package-$program"; done
    "$work/bin/$package-server" --version >/dev/null || die 'what was built does not run'
}

# ---- the folder

# Puts what was made in its place, whole or not at all.
place() { # KIND
    [ -d "$work/$1" ] || return 0
    mkdir -p "$folder/$actual"
    [ -d "$folder/$actual/$1" ] || mv -T "$work/$1" "$folder/$actual/$1"
}

# Makes the kind (bin, source); a source that is there is built without asking for it again.
make_kind() { # KIND
    actual=$name
    if [ -d "$folder/$name/source" ]; then
        build "$folder/$name/source"
    else
        find_version
        actual=$package-$(series "$version")
        if [ "$actual" != "$name" ]; then
            [ ! -e "$folder/$name" ] || die "Debian's archive has $actual now: remove $folder/$name to take that"
            say "$name: Debian's archive no longer has it: taking the next, $actual"
        fi
        if [ -d "$folder/$actual/$1" ]; then
            :
        elif [ "$1" = source ] || [ "$release" != $programs_in ] || ! take_programs; then
            take_source
            if [ "$1" = bin ]; then build "$work/source"; fi
        fi
    fi
    place source
    place bin
    if [ -d "$folder/$actual/source/src" ] && [ -d "$folder/$actual/bin" ]; then
        (cd "$folder/$actual/bin" && for program in *; do ln -sf "../../bin/$program" "../source/src/$program"; done)
    fi
    if [ "$actual" != "$name" ]; then ln -s "$actual" "$folder/$name"; fi
}

work=
clean_up() { if [ -n "$work" ]; then rm -rf "$work"; fi; }

main() {
    local kind=bin
    case ${1-} in
    --source) kind=source; shift ;;
    --cached) kind=cached; shift ;;
    --list) list; return ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; return ;;
    esac
    [ $# = 1 ] || die "usage: get-server.sh [--source|--cached] NAME; names: $(list | paste -sd ' ')"
    [ -n "$(first_release "$1")" ] || die "$1 is unknown; known: $(list | paste -sd ' ')"
    name=$1 package=${1%-*} wanted=${1##*-}
    folder=$(cache_folder)
    if [ "$kind" = cached ]; then print_there bin; return; fi
    if print_there "$kind"; then return; fi
    if ! have apt-get || ! keyring >/dev/null; then
        die "it comes from Debian's archive, and this is not Debian: put a server on PATH"
    fi
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock -n 9 || { say "$name: another get-server.sh is at work; waiting for it"; flock -w $lock_seconds 9; } ||
        die "the other get-server.sh did not end in $lock_seconds s"
    if print_there "$kind"; then return; fi
    rm -rf "$folder"/.new-* # of one that was killed: the lock says that nobody is at it
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    work=$(mktemp -d "$folder/.new-XXXXXX")
    make_kind "$kind"
    print_there "$kind"
}

main "$@"
