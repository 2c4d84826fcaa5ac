#!/bin/bash
# Makes a folder with a small Debian that has a real Blender, a screen without a monitor and a mouse:
# what the tests in this folder drive. Run as root; about a minute, 1.7 GB; a folder made before is reused.
#
#     tests/ui/make_root.sh [SUITE [FOLDER]]      prints FOLDER as its last line
#
# SUITE is trixie (the default; its Blender was 4.3 when this was written) or sid (5.2).
set -euo pipefail

suite=${1:-trixie}
root=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/mmm-blender-rig/$suite}
packages=(blender xvfb xdotool imagemagick libgl1-mesa-dri python3-numpy python3-requests ca-certificates)

fail() { echo "make_root: $*" >&2; exit 1; }

case $suite in
    trixie) ;;
    # Blender 5 imports cattrs, which sid's package of it does not ask for.
    sid) packages+=(python3-cattr) ;;
    *) fail "there is no suite $suite; say trixie or sid." ;;
esac

[ "$(id -u)" = 0 ] || fail "this needs root (debootstrap, chroot); run it with sudo."

install_debootstrap() {
    command -v debootstrap >/dev/null && return
    command -v apt-get >/dev/null || fail "debootstrap is missing; install your system's package of it."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# A root is made under another name first, so that a half-made one is never taken for a finished one.
make_root() {
    local part=$root.part
    rm -rf --one-file-system "$part"
    mkdir -p "$part"
    debootstrap --variant=minbase "$suite" "$part" >"$root.log" 2>&1 ||
        fail "debootstrap failed; its output is in $root.log."
    DEBIAN_FRONTEND=noninteractive chroot "$part" apt-get -y -qq --no-install-recommends \
        install "${packages[@]}" >>"$root.log" 2>&1 ||
        fail "installing Blender into $part failed; the output is in $root.log."
    chroot "$part" apt-get clean
    mv "$part" "$root"
}

if [ ! -x "$root/usr/bin/blender" ]; then
    mkdir -p "$(dirname "$root")"
    install_debootstrap
    make_root
fi
echo "$root"
