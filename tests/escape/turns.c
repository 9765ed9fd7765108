/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/turns.c -- variables that escape from inside a loop, in each of its turns
 *
 * gdb_turns.sh stops at each call of stop() and compares what gdb shows one frame up with the
 * same program at -O0.  What makes these cases hard: until its address leaves, nobody but the
 * function can see the variable, so that the optimiser keeps its value in a register, or
 * knows it, and writes the object late, once, or never.
 */
#ifndef PLAIN /* clang without mallow: gdb_turns.sh compares */
#include <mallow.h>
#endif
#define NOINLINE __attribute__((noinline))
struct pair {
  int a, b;
};
struct big {
  long v[8];
};
struct node {
  struct node *next;
  int v;
};
void *volatile sink;
int *volatile kept;
static struct big *kept_big;
volatile int verdict;

NOINLINE void stop(void) {
  __asm__ volatile("" : : : "memory");
}
NOINLINE void finish(void) {
  __asm__ volatile("" : : : "memory");
}
/* Sees the object, and changes it. */
NOINLINE void change(int *p) {
  *p += 100;
  kept = p;
}
/* The call of stop() is not the function's last. */
static inline void go_on(void) {
  __asm__ volatile("" : : : "memory");
}
NOINLINE int *scalar(int n) {
  for (int i = 0; i < n; i++) {
    int x = i * 10 + 5;
    stop();
    x += 1;
    stop();
    if (i == 2) return &x;
    go_on();
  }
  return 0;
}
/* the address stays in the function until the end */
NOINLINE int *last(int n) {
  int *p = 0;
  for (int i = 0; i < n; i++) {
    int x = i * 10 + 5;
    p = &x;
    stop();
    x++;
    go_on();
  }
  return p;
}
/* a call in between sees it */
NOINLINE int *changed(int n) {
  for (int i = 0; i < n; i++) {
    int x = i;
    stop();
    x = i + 10;
    change(&x);
    stop();
    x = 3;
    stop();
    if (i == 1) return &x;
    go_on();
  }
  return 0;
}
/* the third turn's is kept, and read after the debugger has changed it */
NOINLINE int modified(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) {
    int m = i + 40;
    kept = &m;
    stop();
    sum += *kept;
  }
  return sum;
}
NOINLINE struct pair *structure(int n) {
  for (int i = 0; i < n; i++) {
    struct pair s = {i, i + 1};
    stop();
    s.a += 5;
    stop();
    if (i == 1) return &s;
    go_on();
  }
  return 0;
}
NOINLINE int *array(int n) {
  for (int i = 0; i < n; i++) {
    int v[3] = {i, 2 * i, 3 * i};
    stop();
    v[1] = 7;
    stop();
    if (i == 1) return v;
    go_on();
  }
  return 0;
}
NOINLINE struct node *list(int n) {
  struct node *head = 0;
  for (int i = 0; i < n; i++) {
    struct node e = {head, i};
    stop();
    head = &e;
    go_on();
  }
  return head;
}
NOINLINE int *parameter(int n) {
  for (int i = 0; i < 3; i++) {
    stop();
    n += 10;
    if (i == 2) return &n;
    go_on();
  }
  return 0;
}
NOINLINE struct big *in_memory(struct big b, int n) {
  for (int i = 0; i < n; i++) {
    stop();
    b.v[3] += 10;
    if (i == 1) return &b;
    go_on();
  }
  return 0;
}
NOINLINE struct big result(int n) {
  struct big r = {{n}};
  stop();
  r.v[1] = 8;
  kept_big = &r;
  stop();
  return r;
}
NOINLINE int *of_the_loop(int n) {
  for (int k = 1; k < n; k++) {
    stop();
    if (k == 2) return &k;
    go_on();
  }
  return 0;
}
NOINLINE int *label(int n) {
  int i = 0;
again:;
  int t = 60 + i;
  stop();
  t++;
  if (++i < n) goto again;
  return &t;
}
NOINLINE int *in_switch(int n) {
  for (int i = 0; i < n; i++) {
    switch (i) {
    case 0:
    case 1:;
      int c = i + 70;
      stop();
      c += 10;
      if (i == 1) return &c;
      go_on();
    }
  }
  return 0;
}
NOINLINE int **pointer(int n) {
  static int one = 1, two = 2;
  for (int i = 0; i < n; i++) {
    int *q = &one;
    stop();
    q = &two;
    stop();
    if (i == 1) return &q;
    go_on();
  }
  return 0;
}
NOINLINE double *number(int n) {
  for (int i = 0; i < n; i++) {
    double d = i + 0.5;
    stop();
    d *= 2;
    stop();
    if (i == 1) return &d;
    go_on();
  }
  return 0;
}
static inline int *small(int i) {
  int w = i + 80;
  stop();
  w++;
  stop();
  return &w;
}
NOINLINE int *inlined(int n) {
  int *p = 0;
  for (int i = 0; i < n; i++) p = small(i);
  return p;
}
/* narrower than the counter that it is computed from, before its object is written */
NOINLINE short *narrow(int n) {
  short *p = 0;
  for (int i = n; i > 0; i--) {
    short h = i << 2;
    stop();
    h += *kept;
    stop();
    if (i == 1) p = &h;
    go_on();
  }
  return p;
}
/* in a spilled register of 16 bytes; not needed in every turn */
NOINLINE double *spilled(unsigned n) {
  double *p = 0;
  for (unsigned i = n; i > 0; i--) {
    double g = i;
    stop();
    g += i + 0.25;
    stop();
    if (i == n - 1) p = &g;
    go_on();
  }
  return p;
}
int main(void) {
  struct big b = {{1, 2, 3, 4}};
  sink = scalar(4);
  sink = last(3);
  sink = changed(3);
  int sum = modified(4);
  sink = structure(3);
  sink = array(3);
  sink = list(2);
  sink = parameter(100);
  sink = in_memory(b, 3);
  b = result(5);
  sink = of_the_loop(4);
  sink = label(2);
  sink = in_switch(3);
  sink = pointer(3);
  sink = number(3);
  sink = inlined(2);
  sink = narrow(2);
  sink = spilled(3);
  verdict = sum;
  finish();
  return (int)b.v[1] - 8;
}
