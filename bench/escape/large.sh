#!/bin/sh
# SPDX-License-Identifier: MIT
#
# large.sh [N] -- a C file of 27.7 lines for each of N; 380 makes 10,523 lines
#
# Functions of a search tree, without any include but libc's: what compiling
# costs is measured with it (compile.sh).
awk -v n="${1:-380}" 'BEGIN {
  print "#include <stdlib.h>\n#include <string.h>\nstruct n { struct n *l, *r; long k; char *s; };"
  for (i = 0; i < n; i++) {
    printf "struct n *make%d(long k, const char *s) {\n  struct n *n = calloc(1, sizeof *n);\n", i
    printf "  n->k = k;\n  n->s = strdup(s);\n  return n;\n}\n"
    printf "void put%d(struct n **at, struct n *n) {\n  while (*at) {\n", i
    printf "    if (n->k < (*at)->k)\n      at = &(*at)->l;\n    else\n      at = &(*at)->r;\n  }\n  *at = n;\n}\n"
    printf "long sum%d(const struct n *n, long *most) {\n  long s = 0, here;\n  if (!n) return 0;\n", i
    printf "  here = n->k;\n  if (*most < here) *most = here;\n  s += sum%d(n->l, most);\n  s += sum%d(n->r, most);\n  return s + here;\n}\n", i, i
  }
  for (i = 0; i < n * 10 / 19; i++) {
    printf "long use%d(void) {\n  struct n *r = 0;\n  long m = 0;\n  put%d(&r, make%d(%d, \"x\"));\n", i, i, i, i
    printf "  put%d(&r, make%d(%d, \"y\"));\n  return sum%d(r, &m) + m;\n}\n", i, i, i + 1, i
  }
}'
