#!/usr/bin/env bash
# `make other-systems`: volley on a system other than this one, from nothing: README's `make test`, and a build of
# everything with that system's gcc and clang that must not give a warning.
#
#   tests/other-systems.sh [OPTION...] [SYSTEM] [-- COMMAND...]
#
#   --work-tree      the files as they stand, not the commit that is checked out
#   --again          go on in the system as the last run left it, with what that has installed and built
#   --mirror URL     where the system's packages are; default: the mirror that apt uses here
#   --keyring FILE   the keys that they are signed with; default: that of the distribution, under /usr/share/keyrings
#   COMMAND          run this in the clone instead: --again -- env CK_RUN_SUITE=tls make check-tests
#
# SYSTEM: debian-13 (the default) or ubuntu-24.04. It is unpacked with debootstrap (apt-get install debootstrap) into
# build/systems/SYSTEM and kept; each run works in a copy of it, build/systems/SYSTEM.run, which is kept too, for a
# look at what went wrong and for --again.
#
# Debian's apt has no mirror of Ubuntu, and Debian 12 not its keys; Debian 13 has those as ubuntu-keyring. On Debian 12,
# after a run for Debian 13, Ubuntu 24.04 is therefore
#   tests/other-systems.sh --again debian-13 -- sh -c 'apt-get update && apt-get install -y ubuntu-keyring'
#   tests/other-systems.sh --mirror http://archive.ubuntu.com/ubuntu \
#       --keyring build/systems/debian-13.run/usr/share/keyrings/ubuntu-archive-keyring.gpg ubuntu-24.04
#
# Needs root, for chroot. The copy gets /proc, /dev/pts and /dev/shm of its own, and npm's setting of where the
# registry is (~/.npmrc, /etc/npmrc, npm_config_registry); nothing else of this machine but its network. All of it
# happens in mount and process namespaces of its own, so that nothing is left mounted or running however this ends.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'other-systems: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }

# SYSTEM SUITE COMPONENTS KEYRING SCRIPT: debootstrap's, the last for a name that it does not know.
readonly systems='
debian-13     trixie  main            debian-archive-keyring.gpg  sid
ubuntu-24.04  noble   main,universe   ubuntu-archive-keyring.gpg  gutsy
'
# What README takes for granted.
readonly given=git,make

# Where apt gets the packages of the system's maker from: "debian" is labelled Debian.
apt_mirror() {
    # shellcheck disable=SC2016 # apt's names
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 2>/dev/null |
        awk -v maker="${system%%-*}" 'tolower($1) == maker { print $2; exit }'
}

# Into build/systems/$system; whole or not at all.
unpack() {
    local suite components keyring script from=()
    if [ -d "$root" ]; then return; fi
    read -r _ suite components keyring script <<<"$(grep "^$system " <<<"$systems")"
    mirror=${mirror:-$(apt_mirror)}
    keyring=${keys:-/usr/share/keyrings/$keyring}
    if [ ! -e "$keyring" ] && [ -e "${keyring%.gpg}.pgp" ]; then keyring=${keyring%.gpg}.pgp; fi # newer releases' name
    [ -n "$mirror" ] || die "apt uses no mirror of ${system%%-*} here: name one with --mirror"
    command -v debootstrap >/dev/null || die 'debootstrap is missing: apt-get install debootstrap'
    [ -e "$keyring" ] || die "$keyring is missing: name the keys with --keyring; --help tells where they are to be had"
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || from=("/usr/share/debootstrap/scripts/$script")
    say "unpacking $system into $root"
    rm -rf "$root.new"
    debootstrap --variant=minbase --include="$given" --components="$components" --keyring="$keyring" \
        "$suite" "$root.new" "$mirror" "${from[@]}" >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; die "debootstrap failed: $root.log"; }
    printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root.new/etc/hosts"
    mv "$root.new" "$root"
}

# A copy without anything of an earlier run in it.
copy_system() {
    if [ "$again" = yes ] && [ -d "$copy" ]; then return; fi
    rm -rf "$copy" "$copy.new"
    cp -a "$root" "$copy.new"
    mv "$copy.new" "$copy"
}

copy_sources() {
    local clone=$copy/volley
    rm -rf "$clone.new"
    git clone -q . "$clone.new"
    if [ "$work_tree" = yes ]; then
        find "$clone.new" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
        git ls-files -z -co --exclude-standard | while IFS= read -r -d '' file; do
            if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
            tar -c --null -T - | tar -x --no-same-owner -C "$clone.new"
    fi
    if [ "$again" = yes ] && [ -d "$clone/build" ]; then mv "$clone/build" "$clone.new/"; fi
    rm -rf "$clone"
    mv "$clone.new" "$clone"
}

# Where npm's registry is, from files or environment, with the certificates that it is checked by.
copy_npm_setting() {
    local setting=$copy/root/.npmrc authorities
    : >"$setting"
    if [ -e /etc/npmrc ]; then cat /etc/npmrc >>"$setting"; fi
    if [ -e ~/.npmrc ]; then cat ~/.npmrc >>"$setting"; fi
    command -v npm >/dev/null || return 0
    echo "registry=$(npm config get registry)" >>"$setting"
    authorities=$(npm config get cafile)
    if [ -e "$authorities" ]; then
        cp "$authorities" "$copy/root/authorities.pem"
        echo 'cafile=/root/authorities.pem' >>"$setting"
    fi
}

inside() {
    chroot "$copy" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        sh -c 'cd /volley && "$@"' sh "$@" </dev/null
}

run_all() {
    say "make test on $system"
    inside make test
    for compiler in gcc clang; do
        say "everything with $(inside $compiler --version | head -n 1)"
        inside make --no-print-directory -s -j"$(nproc)" CC=$compiler BUILD=build/$compiler EXTRA_CFLAGS=-Werror \
            all test-programs
    done
    say "all passed on $system"
}

# The first process of the namespaces; all others end with it.
run_in_namespaces() {
    exec 9>"$root.lock"
    flock -n 9 || die "another run is at work on $system"
    unpack
    copy_system
    cp -L --remove-destination /etc/resolv.conf "$copy/etc/resolv.conf"
    copy_npm_setting
    copy_sources
    mount -t proc proc "$copy/proc"
    mount -t devpts -o newinstance,ptmxmode=0666,gid=5,mode=620 devpts "$copy/dev/pts"
    mount -t tmpfs -o mode=1777,nosuid,nodev shm "$copy/dev/shm"
    if [ ${#command[@]} = 0 ]; then run_all; else inside "${command[@]}"; fi
}

# Starts this script again in namespaces, which are killed with it.
enclose() {
    [ "$(id -u)" = 0 ] || die 'needs root, for chroot and mounts: sudo make other-systems'
    mkdir -p build/systems
    setpriv --pdeathsig KILL env --default-signal=INT,QUIT unshare --mount --mount-proc --pid --fork --kill-child \
        tests/other-systems.sh --enclosed "$@" &
    trap 'kill -KILL $!; exit 130' INT
    trap 'kill -KILL $!; exit 143' TERM HUP
    wait $!
}

system=debian-13 mirror='' keys='' again=no work_tree=no enclosed=no command=()
arguments=("$@")
while [ $# != 0 ]; do
    case $1 in
    --work-tree) work_tree=yes ;;
    --again) again=yes ;;
    --mirror) mirror=${2:?--mirror needs a URL} && shift ;;
    --keyring) keys=${2:?--keyring needs a file} && shift ;;
    --enclosed) enclosed=yes ;;
    --help) usage && exit ;;
    --) shift && command=("$@") && break ;;
    -*) die "unknown option $1; known: --work-tree --again --mirror --keyring --help" ;;
    *) system=$1 ;;
    esac
    shift
done
grep -q "^$system " <<<"$systems" || die "unknown system $system; known:$(awk 'NF { printf " %s", $1 }' <<<"$systems")"
readonly root=build/systems/$system copy=build/systems/$system.run
if [ $enclosed = yes ]; then run_in_namespaces; else enclose "${arguments[@]}"; fi
