# What the scripts of the image share; read by each of them, from the project's folder.
# shellcheck shell=sh
set -eu
export LC_ALL=C.UTF-8 TZ=UTC PATH="$PATH:/usr/sbin:/sbin"

project=$(pwd)
work=$project/build/image
python=$project/.venv/bin/python

say() { echo "image: $*" >&2; }
die() { say "$@"; exit 1; }

[ "$(id -u)" = 0 ] || die "must run as root: it makes a root file system with owners and device drivers of its own"

# Of everything that the base layer is made of.
base_hash() {
    {
        cat image/base image/base-* image/lib.sh image/packages image/apt-preferences image/requirements-pi.lock \
            image/modules.py image/modules
        $python image/runtime.py
    } | sha256sum | cut -c 1-16
}
