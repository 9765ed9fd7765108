#!/bin/sh
# SPDX-License-Identifier: MIT
#
# measure.sh MALLOW -- what barriers and polls cost in small loops
#
# Compiles kernels.c with clang and with MALLOW at -O2, runs both in turn
# RUNS times (default 7), and prints the shortest time of each and the ratio.

set -eu
mallow=$(realpath "$1")
clang=${MALLOW_CLANG:-clang-19}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

$clang -O2 "$here/kernels.c" -o "$scratch/clang"
"$mallow" cc -O2 "$here/kernels.c" -o "$scratch/mallow"
n=0
while [ $n -lt "${RUNS:-7}" ]; do
  n=$((n + 1))
  for c in clang mallow; do "$scratch/$c" | sed "s/^/$c /"; done
done | awk '
  { key = $1 " " $2; if (!(key in best) || $3 < best[key]) best[key] = $3; seen[$2] = 1 }
  END {
    printf "%-10s %12s %12s %8s\n", "kernel", "clang us", "mallow us", "ratio"
    for (k in seen)
      printf "%-10s %12.1f %12.1f %8.3f\n", k, best["clang " k], best["mallow " k],
        best["mallow " k] / best["clang " k]
  }'
