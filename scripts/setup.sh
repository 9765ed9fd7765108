#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh -- install the Debian packages that building and testing need
#
#   scripts/setup.sh           what make demo, make check and make install need
#   scripts/setup.sh --bench   also what make bench compares with
#
# Debian 12 and 13.  Silent, and without network, when all is there.  Asks for
# sudo when not root.  Elsewhere (no dpkg) it does nothing: CMake then names
# what it misses.

set -eu

packages='clang-19 clang-format-19 clang-tidy-19 cmake gdb git gnuplot-nox libclang-rt-19-dev
  libcmocka-dev libcurl4-openssl-dev libdw-dev libmicrohttpd-dev lld-19 llvm-19-dev
  llvm-19-tools make ninja-build pkgconf uthash-dev zlib1g-dev'

for argument in "$@"; do
  case $argument in
  --bench) packages="$packages hyperfine libgc-dev libjemalloc-dev libmimalloc-dev wrk"
    # a newer Go on PATH is used instead of Debian's
    command -v go >/dev/null 2>&1 || packages="$packages golang" ;;
  *) echo "usage: scripts/setup.sh [--bench]" >&2; exit 2 ;;
  esac
done

command -v dpkg-query >/dev/null 2>&1 || exit 0

missing=
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup.sh: not root and no sudo; as root, run: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi

echo "setup.sh: installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
