/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_copies.c -- addresses that leave their frame by being copied with what holds
 * it
 *
 * Structs, arrays and unions are copied by assignment, by memcpy and its relatives, passed and
 * returned by value; the address leaves in a copy that the source never names. Each CASE gives the
 * address to keep() (tricky.h), which reads it again when the frame is gone.
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

static struct box gb;

/* ---- copies ------------------------------------------------------------ */
CASE(copy_struct) {
  int x = 11;
  struct box a = {&x, 1}, b;
  b = a;
  keep(b.p, 11);
}
CASE(copy_memcpy) {
  int x = 12;
  struct box a = {&x, 1}, b;
  memcpy(&b, &a, sizeof b);
  keep(b.p, 12);
}
CASE(copy_memmove_overlap) {
  int x = 13;
  int *a[4] = {&x};
  memmove(a + 1, a, 3 * sizeof *a);
  keep(a[1], 13);
}
CASE(copy_memcpy_global) {
  int x = 14;
  struct box a = {&x, 1};
  memcpy(&gb, &a, sizeof gb);
  keep(gb.p, 14);
}
CASE(copy_words) {
  int x = 15;
  int *a = &x, *b;
  uint64_t *s = (uint64_t *)&a, *d = (uint64_t *)&b;
  *d = *s;
  keep(b, 15);
}
CASE(copy_bytes) {
  int x = 16;
  int *a = &x, *b;
  unsigned char *s = (void *)&a, *d = (void *)&b;
  for (size_t i = 0; i < sizeof a; i++) d[i] = s[i];
  keep(b, 16);
}
CASE(copy_bytes_backwards) {
  int x = 17;
  int *a = &x, *b;
  char *s = (char *)(&a + 1), *d = (char *)(&b + 1);
  while (s != (char *)&a) *--d = *--s;
  keep(b, 17);
}
CASE(copy_double) {
  int x = 18;
  int *a = &x, *b;
  double t;
  memcpy(&t, &a, 8);
  memcpy(&b, &t, 8);
  keep(b, 18);
}
CASE(copy_char_array) {
  int x = 19;
  int *a = &x, *b;
  char t[8];
  memcpy(t, &a, 8);
  memcpy(&b, t, 8);
  keep(b, 19);
}
CASE(copy_through_static_buffer) {
  static char t[16];
  int x = 20;
  int *a = &x, *b;
  memcpy(t + 8, &a, 8);
  memcpy(&b, t + 8, 8);
  keep(b, 20);
}
typedef long long v2 __attribute__((vector_size(16)));
CASE(copy_vector) {
  int x = 21;
  struct box a = {&x, 3}, b;
  v2 t;
  memcpy(&t, &a, 16);
  memcpy(&b, &t, 16);
  keep(b.p, 21);
}
CASE(vector_element) {
  int x = 22;
  v2 t = {0, (long long)(uintptr_t)&x};
  t = __builtin_shufflevector(t, t, 1, 0);
  keep((int *)(uintptr_t)t[0], 22);
}
CASE(copy_builtin_inline) {
  int x = 23;
  int *a = &x, *b;
  __builtin_memcpy_inline(&b, &a, 8);
  keep(b, 23);
}
CASE(copy_int128) {
  int x = 24;
  __int128 t = (__int128)(uintptr_t)&x << 64;
  keep((int *)(uintptr_t)(t >> 64), 24);
}
CASE(copy_swap) {
  int x = 25, y = 26;
  int *a = &x, *b = &y;
  int *t = a;
  a = b;
  b = t;
  keep(a, 26);
  keep(b, 25);
}
CASE(copy_realloc) {
  int x = 27;
  int **a = mw_make(int *, 2);
  a[0] = &x;
  a = mw_realloc(a, 64);
  keep(a[0], 27);
}
CASE(copy_array_of_struct) {
  int x = 28;
  struct box a[3] = {{0}}, b[3];
  a[2].p = &x;
  memcpy(b, a, sizeof a);
  keep(b[2].p, 28);
}
struct nest {
  int k;
  struct {
    struct {
      int *q[3];
    } in;
  } mid;
};
static NOINLINE struct nest make_nest(int *p) {
  struct nest n = {0};
  n.mid.in.q[2] = p;
  return n;
}
CASE(nested_array_in_result) {
  int x = 29;
  keep(make_nest(&x).mid.in.q[2], 29);
}
static NOINLINE struct nest local_nest(void) {
  int x = 30;
  struct nest n = {0};
  n.mid.in.q[1] = &x;
  return n;
}
CASE(nested_array_in_result_local) {
  keep(local_nest().mid.in.q[1], 30);
}

/* ---- unions ------------------------------------------------------------------- */
CASE(union_members) {
  int x = 61;
  union word w = {.p = &x};
  keep(w.s.q, 61);
}
static NOINLINE union word union_result(void) {
  int x = 62;
  union word w = {.p = &x};
  return w;
}
CASE(union_returned) {
  keep(union_result().p, 62);
}
static NOINLINE void union_param(union word w) {
  gb.p = w.p;
}
CASE(union_passed) {
  int x = 63;
  union_param((union word){.u = (uintptr_t)&x});
  keep(gb.p, 63);
}
CASE(union_array) {
  int x = 64;
  union word w[3];
  for (int i = 0; i < 3; i++) w[i].u = 0;
  w[1].p = &x;
  union word v[3];
  memcpy(v, w, sizeof v);
  keep(v[1].p, 64);
}
struct tagged {
  int tag;
  union {
    int *p;
    long n;
    struct box b;
  } u;
};
static NOINLINE struct tagged tag_make(int *p) {
  struct tagged t = {.tag = 1, .u.b = {p, 2}};
  return t;
}
CASE(union_in_struct) {
  int x = 65;
  struct tagged t = tag_make(&x);
  keep(t.u.p, 65);
}

/* ---- by value, results in memory ------------------------------------------------------ */
static NOINLINE struct big ret_big(int *p) {
  struct big b = {{0}};
  b.p = p;
  return b;
}
static NOINLINE struct big ret_big_local(void) {
  int x = 81;
  struct big b = {{0}};
  b.p = &x;
  return b;
}
CASE(sret) {
  int x = 82;
  struct big b = ret_big(&x);
  keep(b.p, 82);
  b = ret_big_local();
  keep(b.p, 81);
}
static NOINLINE int *big_param(struct big b) {
  return b.p;
}
CASE(byval) {
  int x = 83;
  struct big b = ret_big(&x);
  keep(big_param(b), 83);
}
static NOINLINE int *big_param_address(struct big b) {
  b.b[1] = 84;
  return (int *)&b.b[1];
}
CASE(byval_address) {
  struct big b = {{0}};
  keep(big_param_address(b), 84);
}
static NOINLINE int *byval_keeps_loop_variable(struct big b) {
  int *first = 0;
  for (int i = 0; i < 3; i++) {
    int x = 85 + i;
    if (i == 0) b.p = &x;
    if (i == 2) first = &x;
  }
  keep(first, 87);
  return b.p;
}
CASE(byval_loop) {
  struct big b = {{0}};
  keep(byval_keeps_loop_variable(b), 85);
}
static NOINLINE struct big sret_keeps_loop_variable(void) {
  struct big b = {{0}};
  for (int i = 0; i < 3; i++) {
    int x = 88 + i;
    if (i == 0) b.p = &x;
    if (i == 1) b.b[0] = (long)&x;
  }
  return b;
}
CASE(sret_loop) {
  struct big b = sret_keeps_loop_variable();
  keep(b.p, 88);
  keep((int *)b.b[0], 89);
}
static NOINLINE void byval_plain(void) {
  int x = 91;
  plain_put_big(ret_big(&x));
  keep(plain_get(0), 91);
}
CASE(box_plain) {
  int x = 92;
  plain_put_box((struct box){&x, 1});
  keep(plain_get(0), 92);
}
static NOINLINE struct big sret_self(void) {
  struct big b = {{0}};
  b.a[1] = 93;
  b.p = (int *)&b.a[1];
  return b;
}
CASE(sret_self_pointer) {
  struct big b = sret_self();
  keep(b.p, 93);
}
static NOINLINE struct big chain2(struct big b) {
  b.a[0]++;
  return b;
}
static NOINLINE struct big chain1(struct big b) {
  return chain2(chain2(b));
}
CASE(by_value_chain) {
  int x = 94;
  keep(chain1(ret_big(&x)).p, 94);
}
static NOINLINE int *two_results(struct box a, struct big b, struct box *out) {
  *out = a;
  return b.p;
}
CASE(out_and_result) {
  int x = 95, y = 96;
  struct box o;
  keep(two_results((struct box){&x, 0}, ret_big(&y), &o), 96);
  keep(o.p, 95);
}
