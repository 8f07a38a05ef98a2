# What the scripts of the image share; read by each of them, from the project's folder.
# shellcheck shell=sh
set -eu
# Whoever builds it has no part in what comes out.
umask 022
export LC_ALL=C.UTF-8 TZ=UTC PATH="$PATH:/usr/sbin:/sbin"
IMAGE_BEGAN=${IMAGE_BEGAN:-$(date +%s)}
export IMAGE_BEGAN

project=$(pwd)
# This clone's own: what is being built, and what the tests leave behind.
work=$project/build/image
# Shared by all clones of this user: what takes minutes to make and seldom changes.
cache=$(realpath -m "${IMAGE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/table-tracker-appliance}")
kept_bases=3
python=$project/.venv/bin/python

# With the seconds since the first of these scripts began.
say() { printf 'image: %4d s  %s\n' $(($(date +%s) - IMAGE_BEGAN)) "$*" >&2; }
die() { say "$@"; exit 1; }

[ "$(id -u)" = 0 ] || die "must run as root: it makes a root file system with owners and device drivers of its own"

# Sets `base` to the folder of the base layer, which is made if the cache lacks it. Until this script ends, no other clone
# removes or replaces it.
hold_base() {
    while :; do
        base=$(image/base)
        exec 8>>"$base.lock"
        flock --shared 8
        [ ! -d "$base" ] || return 0
    done
}

# Of everything that the base layer is made of.
base_hash() {
    {
        cat image/base-* image/packages image/apt-preferences image/requirements-pi.lock \
            image/modules.py image/modules
        $python image/runtime.py
    } | sha256sum | cut -c 1-16
}
