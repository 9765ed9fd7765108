/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_plain.c -- compiled without mallow: keeps what it is handed
 *
 * Only until the caller has fetched it again: the collector does not know these globals.
 */
#include <stdarg.h>
#include <stddef.h>
static int *stash[8];
static void *more[8];
void plain_put(int i, int *p) {
  stash[i] = p;
}
int *plain_get(int i) {
  return stash[i];
}
struct plain_box {
  int *p;
  long n;
};
struct plain_big {
  long a[6];
  int *p;
  long b[3];
};
void plain_put_box(struct plain_box b) {
  stash[0] = b.p;
}
void plain_put_big(struct plain_big b) {
  stash[0] = b.p;
}
void plain_put_pp(int **pp) {
  more[0] = pp;
}
int *plain_get_pp(void) {
  return *(int **)more[0];
}
void plain_va(int n, ...) {
  va_list ap;
  va_start(ap, n);
  while (n--) stash[0] = va_arg(ap, int *);
  va_end(ap);
}
void plain_call(void (*fn)(void *), void *arg) {
  fn(arg);
}
void plain_call2(void (*fn)(int **, int *), int **out, int *p) {
  fn(out, p);
}
int *plain_same(int *p) {
  return p;
}
