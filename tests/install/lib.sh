# SPDX-License-Identifier: MIT
#
# lib.sh -- what the scripts beside it share; sourced with their arguments
#
# Sets prefix (the installed copy), build, here, and work: a scratch folder,
# removed at the end, which is also where the script then is.

set -eu
prefix=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
CMAKE=${CMAKE:-cmake}
CLANG=${CLANG:-clang-19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Neither the build tree nor an installed mallow elsewhere may help.
unset CC CFLAGS LDFLAGS LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH MAKEFLAGS MAKELEVEL MFLAGS

die() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect OUTPUT COMMAND...: the command succeeds and prints just that.
expect() {
  wanted=$1
  shift
  got=$("$@") || die "$*: status $?"
  [ "$got" = "$wanted" ] || die "$*: printed '$got', not '$wanted'"
}
