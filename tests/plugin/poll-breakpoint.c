// SPDX-License-Identifier: MIT
// A breakpoint at a function that polls on entry is met in every call, with the
// parameters in place, at each level. The poll is seldom taken: where its call was
// the first instruction with a line, gdb stopped nowhere.
// RUN: %mallow cc -O0 -g %s -o %t && gdb -q -batch -x %S/poll-breakpoint.gdb %t 2>&1 | %check --check-prefixes=CHECK,O0
// RUN: %mallow cc -O2 -g %s -o %t && gdb -q -batch -x %S/poll-breakpoint.gdb %t 2>&1 | %check
// RUN: %mallow cc -O2 -g -flto %s -o %t && gdb -q -batch -x %S/poll-breakpoint.gdb %t 2>&1 | %check
#include <mallow.h>
struct node {
  struct node *l, *r;
  long value;
};
struct big {
  long a[9];
};

__attribute__((noinline)) static struct node *grow_tree(int depth, long wide, char tag) {
  struct node *n = mw_new(struct node);
  n->value = depth + wide + tag;
  if (depth) {
    n->l = grow_tree(depth - 1, wide, tag);
    n->r = grow_tree(depth - 1, wide, tag);
  }
  return n;
}
__attribute__((noinline)) static int odd(int n);
__attribute__((noinline)) static int even(int n) {
  if (n == 0) return 1;
  return !odd(n - 1) * 3;
}
static int odd(int n) {
  int k = n * 3;
  if (k == 0) return 0;
  return !even(n - 1) + (k == 5);
}
__attribute__((noinline)) static long deep(struct big b, int n) {
  struct big c = b;
  c.a[n % 9]++;
  return n ? deep(c, n - 1) + c.a[1] : c.a[0];
}
int main(void) {
  struct big b = {{7}};
  struct node *n = grow_tree(3, 1000, 'x');
  return n->value != 1000 + 3 + 'x' || !even(10) || deep(b, 4) == 0;
}
// O0: depth = 3
// O0: wide = 1000
// O0: tag = 120 'x'
// O0: n = 10
// O0: n = 4
// O0: $1 = 7
// CHECK: in grow_tree at
// CHECK-NEXT: already hit 15 times
// CHECK: in even at
// CHECK-NEXT: already hit 6 times
// CHECK: in odd at
// CHECK-NEXT: already hit 5 times
// CHECK: in deep at
// CHECK-NEXT: already hit 5 times
