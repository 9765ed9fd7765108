#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [MALLOW] -- what escape analysis saves: three programs, on and off;
# then a program of several files (across.sh), and what compiling costs (compile.sh)
set -eu
mallow=$(realpath "${1:-$(dirname "$0")/../../build/bin/mallow}")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in vectors parser words; do
  for option in -fno-mallow-escape -fmallow-escape; do
    "$mallow" cc -O2 $option $program.c -o "$work/p" -lm
    printf '%-19s ' $option
    "$work/p"
  done
done
./across.sh "$mallow"
./compile.sh "$mallow"
