/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/pointers.c -- objects that stay on the stack, looked at through their pointer
 *
 * gdb_pointers.sh compares what gdb prints of p and *p with plain clang's program, where the
 * object is a compound literal.
 */
#define NOINLINE __attribute__((noinline))
#ifdef PLAIN
#define NEW(T) (&(T){0})
#define MAKE(T, n) ((T[n]){0})
#else
#include <mallow.h>
#define NEW(T) mw_new(T)
#define MAKE(T, n) mw_make(T, n)
#endif
struct s {
  int a, b;
  struct s *next;
};
volatile int v = 3;

NOINLINE void stop(void) {
  __asm__ volatile("" : : : "memory");
}
static inline void go_on(void) {
  __asm__ volatile("" : : : "memory");
}
NOINLINE void fill(struct s *p) {
  p->a = v;
  p->b = v + 1;
}
NOINLINE int filled(int n) {
  struct s *p = NEW(struct s);
  fill(p);
  stop();
  p->a += n;
  stop();
  int r = p->a + p->b;
  go_on();
  return r;
}
NOINLINE int taken_apart(int n) {
  struct s *p = NEW(struct s);
  p->a = n;
  stop();
  p->b = n + 2;
  stop();
  go_on();
  return p->a + p->b;
}
NOINLINE int number(int n) {
  int *p = NEW(int);
  *p = n;
  stop();
  *p += v;
  stop();
  go_on();
  return *p;
}
NOINLINE int linked(int n) {
  struct s *q = NEW(struct s), *p = NEW(struct s);
  q->next = p;
  fill(p);
  fill(q);
  stop();
  q->next->a = n;
  stop();
  go_on();
  return p->a + q->b;
}
NOINLINE int array(int n) {
  int *p = MAKE(int, 8);
  for (int i = 0; i < 8; i++) p[i] = i * n;
  stop();
  int r = 0;
  for (int i = 0; i < 8; i++) r += p[(i * v) & 7];
  stop();
  go_on();
  return r;
}
NOINLINE int turns(int n) {
  int sum = 0;
  for (int i = 0; i < 3; i++) {
    struct s *p = NEW(struct s);
    fill(p);
    p->a += i;
    stop();
    sum += p->a * n;
    go_on();
  }
  return sum;
}
int main(void) {
  return filled(1) + taken_apart(2) + number(3) + linked(4) + array(5) + turns(6) == 0;
}
