// SPDX-License-Identifier: MIT
// A loop whose every turn calls a function that polls needs no poll of its own.
// RUN: %ir1 | %check
struct tree {
  struct tree *first, *next;
  int n;
};
int stop(void);

// the entry's poll only
// CHECK-LABEL: define{{.*}} i32 @sum(
// CHECK: @mwi_slow_poll
// CHECK-NOT: @mwi_slow_poll
// CHECK-LABEL: define{{.*}} i32 @some(
int sum(struct tree *t) {
  int s = t->n;
  for (t = t->first; t; t = t->next) s += sum(t) * 3;
  return s;
}
// not every turn calls: the entry's, and the loop's
// CHECK: @mwi_slow_poll
// CHECK: @mwi_slow_poll
// CHECK-LABEL: define{{.*}} i32 @other(
int some(struct tree *t) {
  int s = t->n;
  for (t = t->first; t; t = t->next)
    if (t->n) s += some(t) * 3;
  return s;
}
// a function that does not poll
// CHECK: @mwi_slow_poll
static __attribute__((noinline)) int leaf(struct tree *t) {
  return t->n * 7;
}
int other(struct tree *t) {
  int s = 0;
  for (; t; t = t->next) s += leaf(t);
  return s;
}
