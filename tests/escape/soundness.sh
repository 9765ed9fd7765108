#!/bin/sh
# SPDX-License-Identifier: MIT
#
# soundness.sh MALLOW FOLDER LEVEL FIRST LAST COUNT -- generated programs, built
# with -O<LEVEL> (which may be `2 -flto`), for the seeds FIRST to LAST, COUNT programs for each
set -eu
mallow=$1 level=$3 first=$4 last=$5 count=$6
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seed=$first
while [ "$seed" -le "$last" ]; do
  python3 "$here/generate.py" "$seed" "$count" >"$work/p.c"
  # shellcheck disable=SC2086 # may be two words
  "$mallow" cc -w -O$level "$work/p.c" -o "$work/p"
  for knobs in gcstress=7,clobberfree=1 gcstress=1,clobberfree=1; do
    GODEBUG=$knobs "$work/p" >"$work/out" || {
      echo "seed $seed, -O$level, GODEBUG=$knobs:"
      cat "$work/out"
      mkdir -p "$2"
      cp "$work/p.c" "$2/failed-$seed-O${level%% *}.c"
      exit 1
    }
  done
  cat "$work/out"
  seed=$((seed + 1))
done
