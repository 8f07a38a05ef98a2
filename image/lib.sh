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
        cat image/base-* image/rauc-* image/packages image/apt-preferences image/requirements-pi.lock \
            image/modules.py image/modules image/kernel-module image/tryboot/*
        $python image/runtime.py
    } | sha256sum | cut -c 1-16
}

# Prints a text file, padded to one sector of 512 bytes.
one_sector() {
    [ "$(stat -c %s "$1")" -le 512 ] || die "$1 is larger than a sector"
    { cat "$1"; yes ''; } | head -c 512
}

# Makes a FAT file system of a folder's files, reproducibly: LABEL KIB FOLDER FILE OPTION...
make_fat() {
    label=$1 size=$2 folder=$3 file=$4
    shift 4
    mkfs.vfat --invariant "$@" -n "$label" -i 74742d31 -C "$file" "$size" >/dev/null
    (cd "$folder" && find . | LC_ALL=C sort | sed 1d) | while read -r name; do
        if [ -d "$folder/$name" ]; then
            mmd -i "$file" "::$name"
        else
            cp "$folder/$name" "$file.one"
            touch -d "@$SOURCE_DATE_EPOCH" "$file.one"
            mcopy -m -i "$file" "$file.one" "::$name"
        fi
    done
    rm -f "$file.one"
}
