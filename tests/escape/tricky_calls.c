/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_calls.c -- addresses that leave their frame through calls
 *
 * Variable arguments, out-parameters, functions called through pointers, recursion and tail calls:
 * who stores the address is not who took it. Each CASE gives the address to keep() (tricky.h),
 * which reads it again when the frame is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tricky.h"

static int *g;

/* ---- varargs --------------------------------------------------------------------- */
static NOINLINE int *va_last(int n, ...) {
  va_list ap;
  int *p = 0;
  va_start(ap, n);
  while (n--) p = va_arg(ap, int *);
  va_end(ap);
  return p;
}
CASE(variadic) {
  int x = 71, y = 72;
  keep(va_last(2, &x, &y), 72);
  keep(va_last(8, &y, &y, &y, &y, &y, &y, &y, &x), 71);
}
static NOINLINE struct box va_box(int n, ...) {
  va_list ap;
  va_start(ap, n);
  struct box b = va_arg(ap, struct box);
  va_end(ap);
  return b;
}
CASE(variadic_struct) {
  int x = 73;
  keep(va_box(1, (struct box){&x, 1}).p, 73);
}
static NOINLINE struct big va_big(int n, ...) {
  va_list ap;
  va_start(ap, n);
  struct big b = va_arg(ap, struct big);
  va_end(ap);
  return b;
}
CASE(variadic_big) {
  int x = 74;
  struct big b = {{1}, &x, {2}};
  keep(va_big(1, b).p, 74);
}
static NOINLINE int *va_inner(va_list ap) {
  return va_arg(ap, int *);
}
static NOINLINE int *va_outer(int n, ...) {
  va_list ap, aq;
  va_start(ap, n);
  va_copy(aq, ap);
  int *p = va_inner(aq);
  va_end(aq);
  va_end(ap);
  return p;
}
CASE(variadic_list_passed) {
  int x = 75;
  keep(va_outer(1, &x), 75);
}
CASE(variadic_plain) {
  int x = 76;
  plain_va(1, &x);
  keep(plain_get(0), 76);
}
static NOINLINE uintptr_t va_num(int n, ...) {
  va_list ap;
  va_start(ap, n);
  uintptr_t u = va_arg(ap, uintptr_t);
  va_end(ap);
  return u;
}
CASE(variadic_int) {
  int x = 77;
  keep((int *)va_num(1, (uintptr_t)&x), 77);
}

/* ---- pointers to pointers, callbacks ---------------------------------------------------- */
static NOINLINE void cb_store(int **out, int *p) {
  *out = p;
}
static NOINLINE void cb_global(void *arg) {
  g = *(int **)arg;
}
CASE(callback_out) {
  int x = 101;
  int *o = 0;
  void (*volatile f)(int **, int *) = cb_store;
  f(&o, &x);
  keep(o, 101);
}
CASE(callback_plain) {
  int x = 102;
  int *p = &x;
  plain_call(cb_global, &p);
  keep(g, 102);
}
CASE(callback_plain_out) {
  int x = 103;
  int *o = 0;
  plain_call2(cb_store, &o, &x);
  keep(o, 103);
}
static NOINLINE void triple(int ***a, int *p) {
  **a = p;
}
CASE(pointer3) {
  int x = 104;
  int *q = 0, **qq = &q;
  triple(&qq, &x);
  keep(q, 104);
}
CASE(pointer_reseated) {
  int x = 105;
  int *q = 0, *r = 0, **w = &r;
  int ***v = &w;
  *v = &q;
  **v = &x;
  keep(q, 105);
}
CASE(pointer_kept_plain) {
  int x = 106;
  int *q = 0;
  plain_put_pp(&q);
  q = &x;
  keep(plain_get_pp(), 106);
}
CASE(late_store) {
  int *q = 0;
  int **volatile w = &q;
  int x = 107;
  *w = &x;
  keep(q, 107);
}
static NOINLINE int **level(int **p) {
  return p;
}
CASE(pp_through_result) {
  int x = 108;
  int *q = 0;
  *level(&q) = &x;
  keep(q, 108);
}
static NOINLINE int *deref_result(int **p) {
  return *p;
}
CASE(pp_content_result) {
  int x = 109;
  int *q = &x;
  keep(deref_result(&q), 109);
}
struct ops {
  int *(*pick)(int *, int *);
  void (*put)(int *);
};
static int *pick1(int *a, int *b) {
  (void)b;
  return a;
}
static int *pick2(int *a, int *b) {
  (void)a;
  return b;
}
static void put_global(int *p) {
  g = p;
}
static const struct ops table[] = {{pick1, put_global}, {pick2, put_global}};
CASE(table_of_functions) {
  int x = 110, y = 111;
  keep(table[zero].pick(&x, &y), 110);
  keep(table[zero + 1].pick(&x, &y), 111);
}
CASE(table_puts) {
  int x = 112;
  table[zero].put(&x);
  keep(g, 112);
}
static NOINLINE int *apply(int *(*f)(int *, int *), int *a, int *b) {
  return f(a, b);
}
CASE(function_argument) {
  int x = 113, y = 114;
  keep(apply(pick2, &x, &y), 114);
}
struct closure {
  void (*fn)(struct closure *);
  int *captured;
};
static void closure_body(struct closure *c) {
  g = c->captured;
}
static NOINLINE void invoke(struct closure *c) {
  c->fn(c);
}
CASE(closure) {
  int x = 115;
  struct closure c = {closure_body, &x};
  invoke(&c);
  keep(g, 115);
}

/* ---- recursion, tail calls --------------------------------------------------------------------
 */
static NOINLINE int *rec_local(int n, int *p) {
  int x = 181 + n;
  return n == 0 ? p : rec_local(n - 1, n == 2 ? &x : p);
}
CASE(recursion) {
  keep(rec_local(3, 0), 183);
}
static NOINLINE void rec_list(int n, struct link *up) {
  struct link l = {up, 190 + n};
  if (n)
    rec_list(n - 1, &l);
  else
    for (struct link *q = &l; q; q = q->up) keep(&q->v, q->v);
}
CASE(recursion_list) {
  rec_list(4, 0);
}
static NOINLINE int *even(int n, int *p);
static NOINLINE int *odd(int n, int *p) {
  int y = 200 + n;
  return n ? even(n - 1, n == 3 ? &y : p) : p;
}
static NOINLINE int *even(int n, int *p) {
  int y = 210 + n;
  return n ? odd(n - 1, n == 2 ? &y : p) : p;
}
CASE(mutual) {
  keep(even(2, 0), 212);
  keep(odd(3, 0), 212);
  keep(odd(1, &(int){5}), 5);
}
static NOINLINE void a_puts(int n, int **out, int *p);
static NOINLINE void b_puts(int n, int **out, int *p) {
  if (n)
    a_puts(n - 1, out, p);
  else
    *out = p;
}
static NOINLINE void a_puts(int n, int **out, int *p) {
  if (n)
    b_puts(n - 1, out, p);
  else
    *out = p;
}
CASE(mutual_out) {
  int x = 213;
  int *o = 0;
  a_puts(3, &o, &x);
  keep(o, 213);
}
static NOINLINE int *swap3(int n, int *a, int *b, int *c) {
  return n ? swap3(n - 1, b, c, a) : a;
}
CASE(rotating_params) {
  int x = 214, y = 215, z = 216;
  keep(swap3(1, &x, &y, &z), 215);
  keep(swap3(2, &x, &y, &z), 216);
}
static NOINLINE int read_it(int *p) {
  return *p;
}
static NOINLINE int must_tail(int *unused) {
  (void)unused;
  int x = 217;
  __attribute__((musttail)) return read_it(&x);
}
static NOINLINE int clobbers(int *p) {
  volatile int junk[200];
  for (int i = 0; i < 200; i++) junk[i] = -1;
  return *p + junk[3] + 1;
}
static NOINLINE int must_tail2(int *unused) {
  (void)unused;
  int x = 218;
  __attribute__((musttail)) return clobbers(&x);
}
static NOINLINE int *same(int *p) {
  return p;
}
static NOINLINE int *must_tail3(int *unused) {
  (void)unused;
  int x = 219;
  __attribute__((musttail)) return same(&x);
}
CASE(musttail) {
  int *p = mw_new(int);
  *p = must_tail(0);
  keep(p, 217);
  p = mw_new(int);
  *p = must_tail2(0);
  keep(p, 218);
  keep(must_tail3(0), 219);
}
static NOINLINE int must_tail_new(int *unused) {
  int *p = mw_new(int);
  *p = 220;
  (void)unused;
  __attribute__((musttail)) return clobbers(p);
}
CASE(musttail_new) {
  int *p = mw_new(int);
  *p = must_tail_new(0);
  keep(p, 220);
}
static NOINLINE int clobbers_box(struct box *b) {
  volatile int junk[200];
  for (int i = 0; i < 200; i++) junk[i] = -1;
  return *b->p + junk[3] + 1;
}
static NOINLINE int must_tail_box(struct box *b) {
  int x = 221;
  b->p = &x;
  __attribute__((musttail)) return clobbers_box(b);
}
CASE(musttail_content) {
  struct box b = {0};
  int *p = mw_new(int);
  *p = must_tail_box(&b);
  keep(p, 221);
}
