#!/usr/bin/env bash
# Installs what volley needs and this machine lacks. Quick when nothing is missing.
#
#   install-dependencies.sh            what `make` and `make run` need: compiler, libraries, a server
#   install-dependencies.sh --all      also the libraries of all modules, which volley is built without where they are missing
#   install-dependencies.sh --test     all of that, and what `make test`, `make lint` and `make sanitize` need
#   install-dependencies.sh --print    installs nothing; names the packages of each system
#   install-dependencies.sh --packages NAME...   only these packages, where they are not installed
#
# Installs with apt (Debian, Ubuntu), as root or through sudo, without asking. On other systems it names
# the packages and fails. It never changes a package source, and a server package is installed without
# starting the server, now or at the next boot. Where apt has no valkey-server (Debian 12), get-server.sh puts
# valkey 8.0 into the user's cache folder.
set -eu

# What is looked for (a command, one with a pinned version, a pkg-config module, a header, a font, a program that is not in PATH), and the package that has it:
# what  name  apt  dnf  pacman  apk  zypper
readonly needs_to_run='
command  gcc           gcc            gcc             gcc       gcc            gcc
header   stdio.h       libc6-dev      glibc-devel     glibc     musl-dev       glibc-devel
command  make          make           make            make      make           make
command  pkg-config    pkg-config     pkgconf         pkgconf   pkgconf        pkgconf
module   libevent_core libevent-dev   libevent-devel  libevent  libevent-dev   libevent-devel
module   hiredis       libhiredis-dev hiredis-devel   hiredis   hiredis-dev    hiredis-devel
module   jansson       libjansson-dev jansson-devel   jansson   jansson-dev    libjansson-devel
module   yaml-0.1      libyaml-dev    libyaml-devel   libyaml   yaml-dev       libyaml-devel
module   hwloc         libhwloc-dev   hwloc-devel     hwloc     hwloc-dev      hwloc-devel
module   libssl        libssl-dev     openssl-devel  openssl   openssl-dev    libopenssl-devel
module   zlib          zlib1g-dev     zlib-devel      zlib      zlib-dev       zlib-devel
module   sqlite3       libsqlite3-dev sqlite-devel    sqlite    sqlite-dev     sqlite3-devel
command  taskset       util-linux     util-linux      util-linux util-linux-misc util-linux
server   -             -              valkey          valkey    valkey         valkey
'
# A module each: MODULE_PACKAGE_... in the Makefile.
readonly needs_of_modules='
module   luajit        libluajit-5.1-dev luajit-devel luajit    luajit-dev     luajit-devel
module   libpq         libpq-dev      libpq-devel     postgresql-libs libpq-dev postgresql-devel
module   libcurl       libcurl4-openssl-dev libcurl-devel curl     curl-dev       libcurl-devel
module   ncursesw      libncurses-dev ncurses-devel   ncurses   ncurses-dev    ncurses-devel
'
# clang-format and clang-tidy are pinned to the version that decides in tests/lint.sh, where it is to be had.
readonly needs_to_test='
module   check         check          check-devel     check     check-dev      check-devel
header   http_parser.h libhttp-parser-dev http-parser-devel http-parser http-parser-dev libhttp-parser-devel
command  clang         clang          clang           clang     clang          clang
file     libclang_rt.fuzzer* libclang-rt-dev compiler-rt compiler-rt compiler-rt clang
command  llvm-symbolizer llvm         llvm            llvm      llvm           llvm
pinned   clang-format-14 clang-format-14|clang-format clang-tools-extra clang clang-extra-tools clang-tools
pinned   clang-tidy-14 clang-tidy-14|clang-tidy clang-tools-extra clang clang-extra-tools clang-tools
command  cppcheck      cppcheck       cppcheck        cppcheck  cppcheck       cppcheck
command  shellcheck    shellcheck     ShellCheck      shellcheck shellcheck    ShellCheck
command  git           git            git             git       git            git
command  openssl       openssl        openssl         openssl   openssl        openssl
command  valgrind      valgrind       valgrind        valgrind  valgrind       valgrind
command  node          nodejs         nodejs          nodejs    nodejs         nodejs
command  chromium      chromium|chromium-browser chromium chromium chromium chromium
command  npm           npm            nodejs-npm      npm       npm            npm
command  gnuplot       gnuplot-nox    gnuplot-minimal gnuplot   gnuplot        gnuplot
font     DejaVuSans.ttf fonts-dejavu-core dejavu-sans-fonts ttf-dejavu font-dejavu dejavu-fonts
command  redis-server  redis-server   -               -         redis          redis
program  /usr/lib/postgresql/*/bin/postgres postgresql - -       -              -
command  prometheus    prometheus     -               prometheus prometheus    golang-github-prometheus-prometheus
program  /usr/lib/python3*/*-packages/aiosmtpd python3-aiosmtpd python3-aiosmtpd - py3-aiosmtpd python3-aiosmtpd
'

say() { printf 'dependencies: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
readonly get_server=${BASH_SOURCE[0]%/*}/get-server.sh
have_server() { have valkey-server || have redis-server || "$get_server" --cached valkey-8.0 >/dev/null; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# present WHAT NAME
present() {
    case $1 in
    command) have "$2" ;;
    pinned) have "$2" || have "${2%-*}" ;;
    module) have pkg-config && pkg-config --exists "$2" ;;
    header) printf '#include <%s>\n' "$2" | gcc -E -x c - >/dev/null 2>&1 ;;
    file) have clang && [ -n "$(find "$(clang -print-resource-dir)/" -name "$2" -print -quit 2>/dev/null)" ] ;;
    program) compgen -G "$2" >/dev/null ;;
    font) [ -n "$(find /usr/share/fonts/ -name "$2" -print -quit 2>/dev/null)" ] ;;
    server) have_server ;;
    esac
}

print_packages() {
    local column=2 system
    for system in 'apt-get install' 'dnf install' 'pacman -S' 'apk add' 'zypper install'; do
        column=$((column + 1))
        printf '%s' "$system"
        printf '%s\n' "$needs" | awk -v c="$column" 'NF { split($c, a, "|"); p = a[1]; if ($1 == "server" && c == 3)
            p = "redis-server"; if (p != "-" && !seen[p]++) printf " %s", p }'
        printf '\n'
    done
}

# Commands as root: directly, or through sudo (which may ask only when there is a terminal to ask on).
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif have sudo && [ -t 0 ]; then sudo "$@"
    else sudo -n "$@"; fi
}
can_be_root() {
    [ "$(id -u)" = 0 ] || { have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}
apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2
}

available() { [ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]; }

# The first of a|b|c that apt knows; the last when it knows none.
first_available() {
    local name
    for name in ${1//|/ }; do
        if available "$name"; then break; fi
    done
    printf '%s\n' "$name"
}

missing=()
named=() # of --packages
find_missing() {
    local what name apt_package rest
    missing=()
    for name in "${named[@]}"; do installed "$name" || missing+=("$name"); done
    while read -r what name apt_package rest; do
        if [ -z "$what" ] || present "$what" "$name"; then continue; fi
        if [ "$what" = server ]; then apt_package=valkey-server; fi
        missing+=("$apt_package")
    done <<<"$needs"
}

packages=()
choose_packages() {
    local entry
    packages=()
    for entry in "${missing[@]}"; do packages+=("$(first_available "$entry")"); done
}
# valkey-server is left out where apt does not know it.
server_from_archive=no
leave_out_server() {
    local package rest=()
    for package in "${packages[@]}"; do
        if [ "$package" = valkey-server ] && ! available "$package"; then server_from_archive=yes; else rest+=("$package"); fi
    done
    packages=("${rest[@]}")
}
all_available() {
    local package
    for package in "${packages[@]}"; do available "$package" || return 1; done
}

# While a server package is configured, policy-rc.d (Debian's own switch for this) forbids starting
# services; one that is there already is left as it is. Enabling at boot is undone afterwards, for
# the package that this script has installed only.
readonly guard=/usr/sbin/policy-rc.d
guard_is_ours=no
guard_services() {
    if [[ " ${packages[*]} " != *-server\ * && " ${packages[*]} " != *\ postgresql\ * && " ${packages[*]} " != *\ prometheus\ * ]] ||
        [ -e "$guard" ]; then return; fi
    trap unguard_services EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    guard_is_ours=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
    as_root chmod 755 "$guard"
}
unguard_services() {
    if [ "$guard_is_ours" = yes ]; then as_root rm -f "$guard"; fi
    guard_is_ours=no
}
# Debian's package makes a database and starts it with the machine, unless this file, which has to be there first, says no.
prevent_database() {
    local settings=/etc/postgresql-common/createcluster.conf
    if [[ " ${packages[*]} " != *\ postgresql\ * ]] || ! apt install -y --no-install-recommends postgresql-common </dev/null; then return; fi
    as_root sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' "$settings"
}
disable_new_servers() {
    local package
    for package in "${packages[@]}"; do
        case $package in
        *-server | prometheus)
            as_root deb-systemd-helper disable "$package.service" >/dev/null 2>&1 || true
            as_root update-rc.d "$package" disable >/dev/null 2>&1 || true
            ;;
        esac
    done
}

# get-server.sh tells why it fails; redis-server, which apt has everywhere, is the next best.
install_server() {
    if [ "$server_from_archive" = no ] || "$get_server" valkey-8.0 >/dev/null </dev/null || have redis-server; then return; fi
    say 'installing redis-server in place of valkey 8.0'
    packages=(redis-server)
    install_packages yes
}

install_missing() {
    local updated=no
    choose_packages
    if ! all_available; then
        apt update </dev/null || die "apt-get update failed"
        updated=yes
        choose_packages
        leave_out_server
    fi
    if [ ${#packages[@]} != 0 ]; then install_packages "$updated"; fi
    install_server
}

# A server from the archive needs no root; everything else does.
do_without_root() {
    choose_packages
    leave_out_server
    [ ${#packages[@]} = 0 ] || die "missing, and installing needs root: apt-get install ${packages[*]}"
    install_server
}

install_packages() { # UPDATED
    local updated=$1
    say "installing ${packages[*]}"
    guard_services
    prevent_database
    if ! apt install -y --no-install-recommends "${packages[@]}" </dev/null; then
        # The lists may name versions that are no longer served.
        [ "$updated" = no ] || die "apt-get could not install: ${packages[*]}"
        apt update </dev/null || die "apt-get update failed"
        apt install -y --no-install-recommends "${packages[@]}" </dev/null ||
            die "apt-get could not install: ${packages[*]}"
    fi
    unguard_services
    disable_new_servers
}

main() {
    needs=$needs_to_run
    case ${1-} in
    '') ;;
    --all) needs+=$needs_of_modules ;;
    --test) needs+=$needs_of_modules$needs_to_test ;;
    --print)
        needs+=$needs_of_modules$needs_to_test
        print_packages
        return
        ;;
    --packages)
        shift
        needs='' named=("$@")
        ;;
    --help)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
        return
        ;;
    *) die "unknown option $1; known: --all --test --print --packages --help" ;;
    esac
    find_missing
    if [ ${#missing[@]} = 0 ]; then return; fi
    if ! have apt-get; then
        print_packages >&2
        die "something is missing and there is no apt-get here; the packages are named above (wanted: ${missing[*]})"
    fi
    if can_be_root; then install_missing; else do_without_root; fi
    find_missing
    if [ ${#missing[@]} != 0 ]; then die "still missing after the installation: ${missing[*]}"; fi
}

main "$@"
