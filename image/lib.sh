# Shared by the image's scripts, which source it from the project's folder.
# shellcheck shell=sh
set -eu
# The builder's umask, locale and time zone must not change the image.
umask 022
export LC_ALL=C.UTF-8 TZ=UTC PATH="$PATH:/usr/sbin:/sbin"
IMAGE_BEGAN=${IMAGE_BEGAN:-$(date +%s)}
export IMAGE_BEGAN

project=$(pwd)
# This clone's build files and test output.
work=$project/build/image
# All clones of a user share the base layers, which take minutes to build and seldom change.
cache=$(realpath -m "${IMAGE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/table-tracker-appliance}")
kept_bases=3
python=$project/.venv/bin/python

# Logs a message with the seconds since the first script began.
say() { printf 'image: %4d s  %s\n' $(($(date +%s) - IMAGE_BEGAN)) "$*" >&2; }
die() { say "$@"; exit 1; }

[ "$(id -u)" = 0 ] || die "run as root (sudo): the build uses chroot, and creates files of other owners"

# Sets `base` to the folder of the base layer, and builds the layer if the cache lacks it. Locks it against removal and
# replacement by other clones until this script ends.
hold_base() {
    while :; do
        base=$(image/base)
        exec 8>>"$base.lock"
        flock --shared 8
        [ ! -d "$base" ] || return 0
    done
}

# Prints the hash of all inputs of the base layer.
base_hash() {
    {
        cat image/base-* image/packages image/apt-preferences image/requirements-pi.lock \
            image/modules.py image/modules
        $python image/runtime.py
    } | sha256sum | cut -c 1-16
}
