#!/bin/bash
# Runs a command inside the folder that make_root.sh made. The given folders of this machine are seen
# there under their own paths. All mounts, and all processes that the command leaves, end with it.
#
#     tests/ui/in_root.sh [--no-network] ROOT FOLDER... -- COMMAND...
set -euo pipefail

if [ "${1:-}" != --inside ]; then
    apart=(--mount --pid --fork --kill-child)
    if [ "${1:-}" = --no-network ]; then
        apart+=(--net)
        shift
    fi
    exec unshare "${apart[@]}" -- "$0" --inside "$@"
fi
shift
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    shift
done
shift
here=$PWD
[ -d "$root$here" ] || here=/
exec chroot "$root" /usr/bin/env --chdir="$here" "$@"
