#!/bin/sh
# SPDX-License-Identifier: MIT
#
# soundness.sh MALLOW FOLDER LEVEL FIRST LAST COUNT [PARTS] -- generated programs, built
# with -O<LEVEL> (which may be `2 -flto`), for the seeds FIRST to LAST, COUNT programs for each,
# in PARTS files.  A file of which clang dies without mallow, too, says nothing (LLVM 19's
# LoopSimplifyCFG, of some jumps into loops).
. "$(dirname "$0")/lib.sh"
level=$3 first=$4 last=$5 count=$6 parts=${7:-1}
include=$(cat "$(dirname "$mallow")/../lib/mallow-build-tree")
# shellcheck disable=SC2086 # may be two words
clang_dies() {
  for c in "$work"/p*.c; do
    "$clang" -w -O$level -I "$include" -c "$c" -o "$work/p.o" >"$work/out" 2>&1 ||
      ! grep -q "Running pass" "$work/out" || return 0
  done
  return 1
}
seed=$first
while [ "$seed" -le "$last" ]; do
  rm -f "$work"/p*.c
  part=0
  while [ $part -lt "$parts" ]; do
    python3 "$here/generate.py" "$seed" "$count" $part "$parts" >"$work/p$part.c"
    part=$((part + 1))
  done
  # shellcheck disable=SC2086 # may be two words
  "$mallow" cc -w -O$level "$work"/p*.c -o "$work/p" >"$work/log" 2>&1 || {
    clang_dies || { cat "$work/log"; exit 1; }
    echo "seed $seed, -O$level: clang dies of it"
    seed=$((seed + 1))
    continue
  }
  for knobs in gcstress=7,clobberfree=1 gcstress=1,clobberfree=1; do
    GODEBUG=$knobs "$work/p" >"$work/out" || {
      echo "seed $seed, -O$level, GODEBUG=$knobs:"
      cat "$work/out"
      mkdir -p "$2"
      for c in "$work"/p*.c; do cp "$c" "$2/failed-$seed-O${level%% *}-${c##*/}"; done
      exit 1
    }
  done
  cat "$work/out"
  seed=$((seed + 1))
done
