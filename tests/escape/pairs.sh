#!/bin/sh
# SPDX-License-Identifier: MIT
#
# pairs.sh MALLOW -- forty functions in C and in Go: what Go keeps on the stack mallow does
#
# With inlining and without.  Of what Go moves and mallow does not, each has a reason here:
#   x4 x7 x34        stored through a pointer that can only point to one object of the frame, in which the
#                    analysis follows it; Go takes every store through a pointer for one to the heap
#   e33 x14 y14 x35  the same, after inlining
#   x38              the struct is taken apart after inlining, and another member is what leaves
# Without Go the moved variables are compared with the list only.
. "$(dirname "$0")/lib.sh"
moved() {
  sed -n 's/.*: moved to heap: \([a-z0-9]*\).*/\1/p' | sort -u
}
export LC_ALL=C
for level in 0 2; do
  may='x34 x4 x7'
  heap='e33 x1 x13 x14 x15 x17 x18 x20 x23 x29 x32 x35 x37 x38 x6 x8 y14'
  if [ $level = 2 ]; then
    may="$may e33 x14 x35 x38 y14"
    heap='x1 x13 x15 x17 x18 x20 x23 x29 x32 x37 x6 x8'
  fi
  "$mallow" cc -w -m -O$level -c "$here/pairs.c" -o "$work/o" 2>&1 | moved >"$work/mallow"
  # shellcheck disable=SC2086
  printf '%s\n' $heap | sort >"$work/wanted"
  diff "$work/wanted" "$work/mallow" || { echo "-O$level"; exit 1; }
  command -v go >/dev/null || continue
  flags=-m
  [ $level = 2 ] || flags='-m -l'
  # shellcheck disable=SC2086 # several words; and nothing is imported, so nothing else is compiled
  go tool compile -p main $flags -o "$work/o" "$here/pairs.go" | moved >"$work/go"
  # shellcheck disable=SC2086
  printf '%s\n' $may | sort >"$work/may"
  sort "$work/may" "$work/mallow" | comm - "$work/go" -3 >"$work/differ"
  [ ! -s "$work/differ" ] || { cat "$work/differ"; echo "-O$level"; exit 1; }
done
echo "$(wc -l <"$work/mallow") of 39 functions' variables move"
