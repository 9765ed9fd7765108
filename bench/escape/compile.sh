#!/bin/bash
# SPDX-License-Identifier: MIT
#
# compile.sh [-i] [MALLOW [OPTION...]] -- what compiling costs: large.sh's file of 10,523
# lines at -O2, against plain clang; OPTIONs (-g) go to both
#
# Seconds of processor time, the best of five runs that take turns; on a busy
# machine only the ratio means anything.  -i counts instructions instead
# (valgrind's callgrind, a quarter of the file, minutes).
set -eu
instructions=
[ "${1:-}" != -i ] || { instructions=1; shift; }
mallow=$(realpath "${1:-$(dirname "$0")/../../build/bin/mallow}")
[ $# = 0 ] || shift
options=(-O2 "$@")
clang=${MALLOW_CLANG:-clang-19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$(dirname "$0")/large.sh" ${instructions:+95} >"$work/large.c"
cd "$work"

# valgrind 3.19 cannot read the debug information of either: without it
plain_plugin() {
  local from
  from=$(dirname "$mallow")/../lib
  mkdir -p tree/bin tree/lib
  cp "$mallow" tree/bin/mallow
  cp "$from"/libmallow* "$from"/mallow-build-tree tree/lib/ 2>/dev/null || :
  objcopy -g tree/lib/libmallow-cc.so
  objcopy -g tree/bin/mallow
  mallow=$work/tree/bin/mallow
}
count() { # millions of instructions
  rm -f count.*
  valgrind --tool=callgrind --trace-children=yes --callgrind-out-file=count.%p "$@" \
    "${options[@]}" -c large.c -o large.o >/dev/null 2>&1
  cat count.* | awk '/^(summary|totals):/ {n = $2 > n ? $2 : n} END {printf "%.0f", n / 1e6}'
}
seconds() {
  local TIMEFORMAT=%U
  { time "$@" "${options[@]}" -c large.c -o large.o; } 2>&1
}
if [ -n "$instructions" ]; then
  plain_plugin
  base=$(count "$clang")
  echo "compiling $(wc -l <large.c) lines, ${options[*]}, millions of instructions:"
  echo "  clang                $base"
  for option in -fno-mallow-escape -fmallow-escape; do
    n=$(count "$mallow" cc $option)
    printf '  %-19s  %s  %s\n' "$option" "$n" "$(awk -v a="$n" -v b="$base" 'BEGIN {printf "%.2f", a / b}')"
  done
  exit
fi
for _ in 1 2 3 4 5; do
  seconds "$clang" >>clang
  seconds "$mallow" cc -fno-mallow-escape >>off
  seconds "$mallow" cc >>on
done
best() { sort -n "$1" | head -n 1; }
echo "compiling $(wc -l <large.c) lines, ${options[*]}, seconds of processor time (best of 5):"
for kind in clang off on; do
  printf '  %-6s %s  %s\n' $kind "$(best $kind)" "$(awk -v a="$(best $kind)" -v b="$(best clang)" 'BEGIN {printf "%.2f", a / b}')"
done
