#!/bin/bash
# SPDX-License-Identifier: MIT
#
# across.sh [MALLOW] -- what is gained across files: the program in across/ with
# its library as an archive, each file compiled alone and known to nobody; decided
# when linking, as make does it; with the summaries of the library; of the library
# and of the program's own objects; with -flto
set -eu
mallow=$(realpath "${1:-$(dirname "$0")/../../build/bin/mallow}")
cd "$(dirname "$0")/across"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc() { "$mallow" cc -O2 "$@"; }
archive() { # OPTIONS: lib.a
  rm -f "$work/lib.a"
  for file in geometry table; do cc "$@" -c $file.c -o "$work/$file.o"; done
  ar rc "$work/lib.a" "$work/geometry.o" "$work/table.o"
}
run() {
  printf '%-34s ' "$1"
  "$work/program"
}
archive -fno-mallow-escape
cc -fno-mallow-escape main.c model.c "$work/lib.a" -lm -o "$work/program" 2>/dev/null
run '-fno-mallow-escape (not always legal)'
archive -fno-mallow-summaries
cc -fno-mallow-summaries main.c model.c "$work/lib.a" -lm -o "$work/program"
run 'each file alone'
archive
for file in main model; do cc -c $file.c -o "$work/$file.o"; done
cc "$work/main.o" "$work/model.o" "$work/lib.a" -lm -o "$work/program"
run 'decided when linking'
cc main.c model.c "$work/lib.a" -lm -o "$work/program"
run 'the library by its summaries'
# callees first: each file is told of those before it
cc -c geometry.c -o "$work/geometry.o"
cc -c table.c -o "$work/table.o"
rm "$work/lib.a" && ar rc "$work/lib.a" "$work/geometry.o" "$work/table.o"
cc -fmallow-summaries="$work/lib.a" -c model.c -o "$work/model.o"
cc main.c "$work/model.o" "$work/lib.a" -lm -o "$work/program"
run 'the program too, callees first'
cc -flto main.c model.c geometry.c table.c -lm -o "$work/program"
run '-flto'
