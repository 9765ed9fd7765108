/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/debugged.c -- variables that gdb.sh prints where stop() is called
 */
#include <mallow.h>
#define NOINLINE __attribute__((noinline))
struct pair {
  int a, b;
};
struct big {
  long v[8];
};
static int *kept[8];
static struct pair *kept_pair;
static struct big *kept_big;

NOINLINE void stop(void) {
  __asm__ volatile("" : : : "memory");
}
/* The call of stop() is not the function's last. */
static inline void go_on(void) {
  __asm__ volatile("" : : : "memory");
}
/* a variable, a pointer to it, and that it is the same when it changes */
NOINLINE int *scalar(int n) {
  int x = n + 1;
  int *p = &x;
  kept[0] = p;
  stop();
  x += 2;
  stop();
  return p;
}
NOINLINE void aggregates(int n) {
  struct pair s = {n, n + 1};
  int v[3] = {n, n * 2, n * 3};
  kept_pair = &s;
  kept[1] = v;
  stop();
  go_on();
}
NOINLINE void parameter(int n) {
  kept[2] = &n;
  n++;
  stop();
  go_on();
}
NOINLINE void loop(int n) {
  for (int i = 0; i < n; i++) {
    int y = i * 10;
    kept[3 + i] = &y;
    stop();
    go_on();
  }
}
NOINLINE void in_memory(struct big b) {
  kept_big = &b;
  b.v[3] = 33;
  stop();
  go_on();
}
NOINLINE struct big result_in_memory(void) {
  struct big r = {{5}};
  kept_big = &r;
  stop();
  return r;
}
/* each turn has its own */
NOINLINE void label(int n) {
  static int *first;
  int i = 0;
again:;
  int t = 60 + i;
  if (!first) first = &t;
  kept[0] = first;
  stop();
  ++*first;
  if (++i < n) goto again;
}
/* moved as the code is written, moved back when call() has been inlined */
static void set(int *p) {
  *p += 1;
}
static inline void call(void (*fn)(int *), int *p) {
  fn(p);
}
NOINLINE int back(int n) {
  volatile int z = n;
  call(set, (int *)&z);
  stop();
  return z;
}
/* an object that stays on the stack, by its pointer */
NOINLINE int object(int n) {
  volatile struct pair *o = mw_new(struct pair);
  o->a = n;
  o->b = n + 1;
  stop();
  return o->a + o->b;
}
int main(void) {
  struct big b = {{1, 2}};
  scalar(4);
  aggregates(7);
  parameter(20);
  loop(2);
  in_memory(b);
  b = result_in_memory();
  label(2);
  return back(40) - 41 + object(50) - 101 + (int)b.v[0] - 5 + *kept[0] - 62;
}
