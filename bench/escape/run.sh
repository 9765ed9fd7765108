#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh [MALLOW] -- what escape analysis saves: three programs, on and off;
# then what it costs: compile time of a file of 10,000 lines against plain clang
set -eu
cd "$(dirname "$0")"
mallow=${1:-../../build/bin/mallow}
clang=${MALLOW_CLANG:-clang-19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in vectors parser words; do
  for option in -fno-mallow-escape -fmallow-escape; do
    "$mallow" cc -O2 $option $program.c -o "$work/p" -lm
    printf '%-19s ' $option
    "$work/p"
  done
done

awk 'BEGIN {
  print "#include <stdlib.h>\n#include <string.h>\nstruct n { struct n *l, *r; long k; char *s; };"
  for (i = 0; i < 380; i++) {
    printf "struct n *make%d(long k, const char *s) {\n  struct n *n = calloc(1, sizeof *n);\n", i
    printf "  n->k = k;\n  n->s = strdup(s);\n  return n;\n}\n"
    printf "void put%d(struct n **at, struct n *n) {\n  while (*at) {\n", i
    printf "    if (n->k < (*at)->k)\n      at = &(*at)->l;\n    else\n      at = &(*at)->r;\n  }\n  *at = n;\n}\n"
    printf "long sum%d(const struct n *n, long *most) {\n  long s = 0, here;\n  if (!n) return 0;\n", i
    printf "  here = n->k;\n  if (*most < here) *most = here;\n  s += sum%d(n->l, most);\n  s += sum%d(n->r, most);\n  return s + here;\n}\n", i, i
  }
  for (i = 0; i < 200; i++) {
    printf "long use%d(void) {\n  struct n *r = 0;\n  long m = 0;\n  put%d(&r, make%d(%d, \"x\"));\n", i, i, i, i
    printf "  put%d(&r, make%d(%d, \"y\"));\n  return sum%d(r, &m) + m;\n}\n", i, i, i + 1, i
  }
}' >"$work/large.c"
printf 'compile time, %s lines, -O2, seconds of CPU (best of 3):\n' "$(wc -l <"$work/large.c")"
TIMEFORMAT=%U
best() {
  for _ in 1 2 3; do
    { time "$@" -O2 -c "$work/large.c" -o "$work/large.o"; } 2>&1
  done | sort -n | head -n 1
}
printf '  clang                %s\n' "$(best "$clang")"
printf '  -fno-mallow-escape   %s\n' "$(best "$mallow" cc -fno-mallow-escape)"
printf '  mallow cc            %s\n' "$(best "$mallow" cc)"
