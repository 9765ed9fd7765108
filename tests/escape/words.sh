#!/bin/sh
# SPDX-License-Identifier: MIT
#
# words.sh MALLOW -- all that -m says of 43 functions in C and in Go: leaking parameters with their
# levels, what moves, which allocations escape
#
# With inlining and without.  What differs, with its reason:
#   x2   at -O0: Go knows two results apart, and one of them is kept; in C they are one struct.
#        Inlined, its members are known.
#   a39  Go says why an allocation is too large with -m=2 only.
# Without Go what mallow says is compared with itself: both levels differ in x2 only.
. "$(dirname "$0")/lib.sh"
export LC_ALL=C
# "NAME WORDS", one each; results have names in Go
words() {
  grep -v 'inlin\|bounds check' | sed -E 's/^[^ ]* //
    s/^moved to heap: (.*)/\1 moved/
    s/^leaking param: ([a-z0-9]+) to result (~?[a-z0-9]+ )?level=/\1 result /
    s/^leaking param: (.*)/\1 leaks/
    s/^leaking param content: (.*)/\1 content/
    s/^(mw_make|mw_new|new)\(.*\) (does not escape|escapes to heap)( \(too large for stack\))?/allocation \2/' |
    sort
}
for level in 0 2; do
  "$mallow" cc -w -m -O$level -c "$here/words.c" -o "$work/o" 2>"$work/said"
  words <"$work/said" >"$work/mallow$level"
  [ "$(wc -l <"$work/mallow$level")" -ge 46 ] || { echo "words.sh: little is said"; cat "$work/said"; exit 1; }
  command -v go >/dev/null || continue
  flags=-m
  [ $level = 2 ] || flags='-m -l'
  # shellcheck disable=SC2086 # several words; and nothing is imported, so nothing else is compiled
  go tool compile -p main $flags -o "$work/o" "$here/words.go" >"$work/said" 2>&1
  words <"$work/said" >"$work/go"
  [ $level = 2 ] || { echo "x2 moved" | sort - "$work/go" >"$work/both" && mv "$work/both" "$work/go"; }
  diff "$work/go" "$work/mallow$level" || { echo "-O$level: Go's words (<) and mallow's"; failed=1; }
done
grep -qx 'x2 moved' "$work/mallow0" && grep -vx 'x2 moved' "$work/mallow0" | diff - "$work/mallow2" ||
  { echo "-O0 (<) and -O2"; failed=1; }
exit $failed
