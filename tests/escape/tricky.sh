#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tricky.sh MALLOW [OPTIONS]... -- tricky_*.c at every -O level and with -flto, full and thin, or
# with each of OPTIONS, under gcstress and clobberfree; without the analysis the same program has to fail
. "$(dirname "$0")/lib.sh"
shift
[ $# -gt 0 ] ||
  set -- -O0 -O1 -O2 -O3 "-O2 -flto" "-O2 -flto=thin" "-O2 -fno-strict-aliasing -fPIC"
"$clang" -O2 -w -c "$here/tricky_plain.c" -o "$work/plain.o"
build() {
  "$mallow" cc -w "$@" "$here/tricky_copies.c" "$here/tricky_integers.c" "$here/tricky_calls.c" \
    "$here/tricky_control.c" "$here/tricky_storage.c" "$here/tricky_loops.c" \
    "$here/tricky_outside.c" "$here/labels.c" "$here/odd.c" \
    "$here/tricky_other.c" "$here/tricky_main.c" "$work/plain.o" -latomic -o "$work/tricky"
}
for options; do
  # shellcheck disable=SC2086 # several options
  build $options
  for knobs in clobberfree=1 clobberfree=1,gcstress=1; do
    GODEBUG=$knobs timeout 60 "$work/tricky" >"$work/out" 2>&1 || {
      echo "$options, GODEBUG=$knobs:"
      cat "$work/out"
      exit 1
    }
  done
  echo "$options: $(cat "$work/out")"
done
build -O1 -fno-mallow-escape
if GODEBUG=clobberfree=1 timeout 60 "$work/tricky" >"$work/out" 2>&1; then
  echo "tricky.sh: nothing was noticed without the analysis"
  exit 1
fi
