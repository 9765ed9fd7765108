#!/bin/sh
# SPDX-License-Identifier: MIT
#
# large.sh MALLOW -- functions that all call each other, too many for the exact walk [EA4]:
# in each, one variable escapes, and nothing else may move to the heap
. "$(dirname "$0")/lib.sh"
awk 'BEGIN {
  n = 500
  print "typedef struct value { union { long i; void *p; } u; long tag; } value;"
  print "struct holder { long *kept; } kept;"
  for (i = 0; i < n; i++) printf "value f%d(struct holder *h, value *args, long *out, int depth);\n", i
  for (i = 0; i < n; i++) {
    printf "value f%d(struct holder *h, value *args, long *out, int depth) {\n", i
    print "  value plain = args[0], room[2] = {args[1], plain};"
    print "  long seen = 0, *at = out;"
    print "  value c0 = plain;"
    for (j = 1; j <= 60; j++) printf "  value c%d = c%d;\n", j, j - 1
    print "  if (depth == 0) return c60;"
    print "  for (int k = 0; k < 2; k++) {"
    for (j = 1; j <= 7; j++)
      printf "    room[k] = f%d(h, room, %s, depth - 1);\n", (i * 7 + j * 31) % n, j % 2 ? "at" : "&seen"
    print "  }"
    if (i == 0) print "  long escapes = seen; h->kept = &escapes;"
    print "  *out += seen; return room[0]; }"
  }
  print "int main(void) {"
  print "  value a[2] = {{{1}, 1}, {{2}, 2}}; long n = 0;"
  print "  return f0(&kept, a, &n, 2).tag == 0 || *kept.kept != n; }"
}' >"$work/large.c"
"$mallow" cc -w -O0 -m "$work/large.c" -o "$work/large" 2>"$work/report"
"$work/large" || { echo "large.sh: the program is wrong"; exit 1; }
# `moved to heap:` of the early run; the one address that is kept, and nothing else
grep 'moved to heap' "$work/report" >"$work/moved" || true
if [ "$(wc -l <"$work/moved")" -ne 1 ] || ! grep -q 'moved to heap: escapes' "$work/moved"; then
  echo "large.sh: moved are:"
  sort "$work/moved" | sed 's/.*moved/moved/' | uniq -c
  exit 1
fi
