#!/bin/sh
# Installs the Debian or Ubuntu packages that building and running Attune needs, if any is missing.
# Does nothing where all are there; asks for a password only if it is not run as root.
set -eu
list="$(dirname "$0")/debian-packages.txt"
if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup: this is not Debian or Ubuntu: install what $list names by your own means" >&2
    exit 0
fi
missing=""
for package in $(grep -v '^#' "$list"); do
    state="$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)"
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "setup: installing$missing" >&2
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -o DPkg::Lock::Timeout=300 update -qq >&2
# shellcheck disable=SC2086 # the list is a list of words
$as_root apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >&2
