#!/bin/sh
# SPDX-License-Identifier: MIT
#
# late.sh MALLOW -- late.c at all levels: objects of moved variables are made on the ways to their
# uses only [EL1] [EL2]
. "$(dirname "$0")/lib.sh"
cd "$work"
for level in "-O0" "-O1" "-O2" "-O3" "-Os" "-O2 -g" "-O2 -flto" "-O2 -fno-mallow-summaries"; do
  # shellcheck disable=SC2086 # several options
  "$mallow" cc $level "$here/late.c" "$here/late_other.c" -o late
  count=
  [ "$level" != -O0 ] || count=-n
  for knobs in clobberfree=1 clobberfree=1,gcstress=7; do
    GODEBUG=$knobs ./late $count >out 2>&1 || fail "$level, GODEBUG=$knobs"
  done
done
exit $failed
