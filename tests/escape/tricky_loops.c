/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_loops.c -- addresses that leave their frame from objects in loops
 *
 * Allocations that could stay on the stack: their storage is used again in each turn only where
 * nothing of the turn before lives.  Cases whose result is an object of mw_new(int) check that.
 * Each CASE gives the address to keep() (tricky.h), which reads it again when the frame is gone.
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

/* ---- allocations in loops: storage used again only where that is sound
 * -------------------------------------- */
struct node {
  struct node *next;
  int v;
};
CASE(list_in_loop) {
  struct node *l = 0;
  for (int i = 0; i < 6; i++) {
    struct node *n = mw_new(struct node);
    n->v = i;
    n->next = l;
    l = n;
  }
  int s = 0;
  for (struct node *n = l; n; n = n->next) s = s * 10 + n->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 543210);
}
CASE(list_tail_in_loop) {
  struct node head = {0};
  struct node *t = &head;
  for (int i = 0; i < 6; i++) {
    struct node *n = mw_new(struct node);
    n->v = i;
    t->next = n;
    t = n;
  }
  int s = 0;
  for (struct node *n = head.next; n; n = n->next) s = s * 10 + n->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 12345);
}
CASE(previous_by_phi) {
  int *prev = 0;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_new(int);
    *p = i;
    if (prev) s = s * 10 + *prev;
    prev = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(previous_two) {
  int *a = 0, *b = 0;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_new(int);
    *p = i;
    if (a) s = s * 10 + *a;
    a = b;
    b = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 123);
}
CASE(previous_by_memory) {
  struct {
    int *p;
  } m = {0};
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_new(int);
    *p = i;
    if (m.p) s = s * 10 + *m.p;
    m.p = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(previous_by_memory_pp) {
  int *m = 0;
  int **mm = &m;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_new(int);
    *p = i;
    if (*mm) s = s * 10 + **mm;
    *mm = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(previous_by_heap) {
  struct box *m = mw_new(struct box);
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_new(int);
    *p = i;
    if (m->p) s = s * 10 + *m->p;
    m->p = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(after_loop) {
  int *p = 0;
  for (int i = 1; i < 6; i++) {
    p = mw_new(int);
    *p = i;
  }
  int *r = mw_new(int);
  *r = *p;
  keep(r, 5);
}
CASE(first_after_loop) {
  int *p = 0;
  for (int i = 1; i < 6; i++) {
    int *q = mw_new(int);
    *q = i;
    if (!p) p = q;
  }
  int *r = mw_new(int);
  *r = *p;
  keep(r, 1);
}
CASE(array_in_loop) {
  int *a[5];
  for (int i = 0; i < 5; i++) {
    a[i] = mw_new(int);
    *a[i] = i + 1;
  }
  int s = 0;
  for (int i = 0; i < 5; i++) s = s * 10 + *a[i];
  int *r = mw_new(int);
  *r = s;
  keep(r, 12345);
}
CASE(int_carried) {
  uintptr_t prev = 0;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_new(int);
    *p = i;
    if (prev) s = s * 10 + *(int *)prev;
    prev = (uintptr_t)p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(nested_loops) {
  int s = 0;
  for (int j = 0; j < 3; j++) {
    int *o = mw_new(int);
    *o = j;
    int *first = 0;
    for (int i = 1; i < 4; i++) {
      int *p = mw_new(int);
      *p = i + j;
      if (i == 1) first = p;
    }
    s = s * 100 + *first * 10 + *o;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 102132);
}
CASE(goto_list) {
  struct node *l = 0;
  int i = zero;
again:;
  struct node *n = mw_new(struct node);
  n->v = i;
  n->next = l;
  l = n;
  if (++i < 5) goto again;
  int s = 0;
  for (; l; l = l->next) s = s * 10 + l->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 43210);
}
CASE(zeroed_each_turn) {
  int s = 0;
  for (int i = 0; i < 5; i++) {
    int *p = mw_make(int, 4);
    s += p[1];
    p[1] = 7;
    s += p[1] == 7;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 5);
}
CASE(small_buffer_loop) {
  int *prev = 0;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int *p = mw_make(int, (size_t)(zero + 2));
    *p = i;
    if (prev) s = s * 10 + *prev;
    prev = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(small_buffer_zeroed) {
  int s = 0;
  for (int i = 0; i < 5; i++) {
    int *p = mw_make(int, (size_t)(zero + 3));
    s += p[2];
    p[2] = 9;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 0);
}
CASE(small_buffer_kept) {
  int *p = mw_make(int, (size_t)(zero + 2));
  *p = 451;
  keep(p, 451);
}
CASE(small_buffer_big) {
  int s = 0;
  for (int n = 0; n < 40; n++) {
    int *p = mw_make(int, (size_t)(n + zero));
    for (int i = 0; i < n; i++) p[i] = i;
    for (int i = 0; i < n; i++) s += p[i] - i;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 0);
}
CASE(flex_loop) {
  struct f {
    int n;
    int v[];
  };
  struct f *prev = 0;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    struct f *p = mw_new_flex(struct f, v, 3);
    p->v[1] = i;
    if (prev) s = s * 10 + prev->v[1];
    prev = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
static inline struct node *inl_node(int v, struct node *next) {
  struct node *n = mw_new(struct node);
  n->v = v;
  n->next = next;
  return n;
}
CASE(inlined_list) {
  struct node *l = 0;
  for (int i = 0; i < 6; i++) l = inl_node(i, l);
  int s = 0;
  for (; l; l = l->next) s = s * 10 + l->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 543210);
}
static inline int *inl_id(int *p) {
  return p;
}
CASE(inlined_variable_loop) {
  int *a[3];
  for (int i = 0; i < 3; i++) {
    int x = 461 + i;
    a[i] = inl_id(&x);
  }
  for (int i = 0; i < 3; i++) keep(a[i], 461 + i);
}
CASE(variable_kept_in_frame) {
  int *a[3];
  for (int i = 0; i < 3; i++) {
    int x = i + 1;
    a[i] = &x;
  }
  int *r = mw_new(int);
  *r = *a[0] * 100 + *a[1] * 10 + *a[2];
  keep(r, 123);
}
CASE(variable_previous) {
  int *prev = 0;
  int s = 0;
  for (int i = 1; i < 6; i++) {
    int x = i;
    if (prev) s = s * 10 + *prev;
    prev = &x;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 1234);
}
CASE(variable_list) {
  struct node *l = 0;
  for (int i = 0; i < 6; i++) {
    struct node n = {l, i};
    l = &n;
  }
  int s = 0;
  for (; l; l = l->next) s = s * 10 + l->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 543210);
}
CASE(object_holds_variable) {
  struct box *b = mw_new(struct box);
  int *r = mw_new(int);
  for (int i = 1; i < 4; i++) {
    int x = i;
    if (!b->p) b->p = &x;
  }
  *r = *b->p;
  keep(r, 1);
}
CASE(unrolled) {
  int *a[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    int *p = mw_new(int);
    *p = i + 1;
    a[i] = p;
  }
  int *r = mw_new(int);
  *r = *a[0] * 1000 + *a[1] * 100 + *a[2] * 10 + *a[3];
  keep(r, 1234);
}
CASE(both_branches) {
  int *p;
  if (zero) {
    p = mw_new(int);
    *p = 1;
  } else {
    p = mw_new(int);
    *p = 2;
  }
  int *q = mw_new(int);
  *q = *p;
  keep(q, 2);
}
CASE(swapped_in_loop) {
  int *a = mw_new(int), *b = mw_new(int);
  *a = 1;
  *b = 2;
  for (int i = 0; i < 3; i++) {
    int *t = a;
    a = b;
    b = t;
  }
  int *r = mw_new(int);
  *r = *a * 10 + *b;
  keep(r, 21);
}
static NOINLINE void fill(struct node **l, int v) {
  struct node *n = mw_new(struct node);
  n->v = v;
  n->next = *l;
  *l = n;
}
CASE(list_by_function) {
  struct node *l = 0;
  for (int i = 0; i < 5; i++) fill(&l, i);
  int s = 0;
  for (; l; l = l->next) s = s * 10 + l->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 43210);
}
CASE(do_while_phi) {
  int *last = 0;
  int i = 0;
  do {
    int *p = mw_new(int);
    *p = ++i;
    if (last && *last + 1 != *p) abort();
    last = p;
  } while (i < 5);
  int *r = mw_new(int);
  *r = *last;
  keep(r, 5);
}
CASE(loop_through_union) {
  union word w = {.p = 0};
  int s = 0;
  for (int i = 1; i < 5; i++) {
    int *p = mw_new(int);
    *p = i;
    if (w.u) s = s * 10 + *w.p;
    w.u = (uintptr_t)p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 123);
}
CASE(loop_through_static) {
  static int *st;
  int s = 0;
  st = 0;
  for (int i = 1; i < 5; i++) {
    int *p = mw_new(int);
    *p = i;
    if (st) s = s * 10 + *st;
    st = p;
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 123);
}
CASE(bytes_in_loop) {
  int *prev = 0;
  int s = 0;
  for (int i = 1; i < 5; i++) {
    int *p = mw_new(int);
    *p = i;
    if (prev) s = s * 10 + *prev;
    for (size_t k = 0; k < 8; k++) ((char *)&prev)[k] = ((char *)&p)[k];
  }
  int *r = mw_new(int);
  *r = s;
  keep(r, 123);
}
CASE(inner_alloc_outer_phi) {
  struct node *l = 0;
  for (int j = 0; j < 2; j++) {
    for (int i = 0; i < 3; i++) {
      struct node *n = mw_new(struct node);
      n->v = j * 3 + i;
      n->next = l;
      l = n;
    }
  }
  int s = 0;
  for (; l; l = l->next) s = s * 10 + l->v;
  int *r = mw_new(int);
  *r = s;
  keep(r, 543210);
}
/* results in memory, more */
static NOINLINE struct big sret_reads(int *p) {
  struct big b = {{0}};
  b.p = p;
  g = b.p;
  return b;
}
CASE(sret_read_back) {
  int x = 501;
  (void)sret_reads(&x);
  keep(g, 501);
}
static NOINLINE struct big sret_reads_level(int **pp) {
  struct big b = {{0}};
  b.p = (int *)pp;
  g = *(int **)b.p;
  return b;
}
CASE(sret_read_back_level) {
  int x = 502;
  int *p = &x;
  (void)sret_reads_level(&p);
  keep(g, 502);
}
static NOINLINE int byval_holds(struct big b) {
  for (int i = 0; i < 3; i++) {
    int x = 503 + i;
    if (i == 0) b.p = &x;
  }
  return *b.p;
}
CASE(byval_holds_loop) {
  struct big b = {{0}};
  int *r = mw_new(int);
  *r = byval_holds(b);
  keep(r, 503);
}
static NOINLINE int byval_holds_new(struct big b) {
  for (int i = 0; i < 3; i++) {
    int *x = mw_new(int);
    *x = 504 + i;
    if (i == 0) b.p = x;
  }
  return *b.p;
}
CASE(byval_holds_loop_new) {
  struct big b = {{0}};
  int *r = mw_new(int);
  *r = byval_holds_new(b);
  keep(r, 504);
}
static NOINLINE struct big sret_holds(void) {
  struct big b = {{0}};
  for (int i = 0; i < 3; i++) {
    int *x = mw_new(int);
    *x = 505 + i;
    if (i == 0) b.p = x;
  }
  b.a[0] = *b.p;
  b.p = 0;
  return b;
}
CASE(sret_holds_loop) {
  struct big b = sret_holds();
  int *r = mw_new(int);
  *r = (int)b.a[0];
  keep(r, 505);
}
static NOINLINE struct big sret_rec(int n, int *p) {
  struct big b = {{0}};
  int x = 506 + n;
  if (n) return sret_rec(n - 1, n == 2 ? &x : p);
  b.p = p;
  return b;
}
CASE(sret_recursion) {
  keep(sret_rec(3, 0).p, 508);
}
static NOINLINE struct big sret_self_rec(int n) {
  struct big b = {{0}};
  b.a[1] = 510;
  b.p = (int *)&b.a[1];
  if (n) {
    struct big c = sret_self_rec(n - 1);
    b.a[2] = (long)c.p;
  }
  return b;
}
CASE(sret_self_recursion) {
  struct big b = sret_self_rec(1);
  keep(b.p, 510);
  keep((int *)b.a[2], 510);
}
static NOINLINE void init_self(struct big *b) {
  b->p = (int *)&b->a[0];
}
static NOINLINE struct big sret_init(void) {
  struct big b = {{512}};
  init_self(&b);
  return b;
}
CASE(sret_initialised) {
  struct big b = sret_init();
  keep(b.p, 512);
}
CASE(self_copied) {
  struct big b = {{513}}, c;
  b.p = (int *)&b.a[0];
  c = b;
  keep(c.p, 513);
}
static NOINLINE struct box self_small(void) {
  struct box b;
  b.n = 514;
  b.p = (int *)&b.n;
  return b;
}
CASE(self_in_registers) {
  keep(self_small().p, 514);
}
static struct big gbig;
CASE(sret_to_global) {
  gbig = sret_init();
  keep(gbig.p, 512);
}
static NOINLINE struct big *stash_address(struct big *b) {
  static struct big *s;
  struct big *o = s;
  s = b;
  return o;
}
static NOINLINE struct big sret_stashed(void) {
  struct big b = {{515}};
  stash_address(&b);
  b.a[1] = 1;
  return b;
}
CASE(sret_address_kept) {
  struct big b = sret_stashed();
  (void)b;
  keep((int *)&stash_address(0)->a[0], 515);
}
/* loops of several entries, shared headers */
CASE(two_entries) {
  int *a[6];
  int n = 0, i = 0;
  if (zero) goto in2;
in1:
  if (n >= 6) goto out;
  {
    int *p = mw_new(int);
    *p = 520 + n;
    a[n++] = p;
  }
in2:
  if (++i & 1) goto in1;
  {
    int *p = mw_new(int);
    *p = 520 + n;
    if (n < 6) a[n++] = p;
  }
  goto in1;
out:
  for (i = 0; i < 6; i++) keep(a[i], 520 + i);
}
CASE(two_entries_frame) {
  int *prev = 0;
  int s = 0, i = 0;
  if (zero) goto in2;
in1: {
  int *p = mw_new(int);
  *p = ++i;
  if (prev) s = s * 10 + *prev;
  prev = p;
}
in2:
  if (i < 3) goto in1;
  if (i == 3) {
    i = 4;
    goto in2b;
  }
  goto out;
in2b:
  if (i < 6) goto in1;
out:;
  int *r = mw_new(int);
  *r = s;
  keep(r, s);
}
/* musttail through a pointer and with a struct */
static NOINLINE int read_it(int *p) {
  return *p;
}
static NOINLINE int tail_param(int *p) {
  __attribute__((musttail)) return read_it(p);
}
CASE(musttail_param) {
  int x = 531;
  int *r = mw_new(int);
  *r = tail_param(&x);
  keep(r, 531);
}
static int (*volatile read_fn)(int *) = read_it;
static NOINLINE int tail_pointer(int *u) {
  (void)u;
  int x = 532;
  __attribute__((musttail)) return read_fn(&x);
}
CASE(musttail_pointer) {
  int *r = mw_new(int);
  *r = tail_pointer(0);
  keep(r, 532);
}
/* divisions */
CASE(divided_apart) {
  int x = 533;
  uintptr_t u = (uintptr_t)&x / 4;
  u = u * 4;
  keep((int *)u, 533);
}
/* more flows through parameters */
struct two {
  int *a, *b;
};
static NOINLINE void move_field(struct two *t) {
  t->b = t->a;
}
CASE(param_moves_field) {
  int x = 541;
  struct two t = {&x, 0};
  move_field(&t);
  keep(t.b, 541);
}
static NOINLINE void move_between(struct two *d, struct two *s) {
  d->a = s->b;
}
CASE(param_moves_between) {
  int x = 542;
  struct two d = {0}, s = {0, &x};
  move_between(&d, &s);
  keep(d.a, 542);
}
static NOINLINE struct two *chain_two(struct two *t, int *p) {
  t->a = p;
  return t;
}
CASE(fluent) {
  int x = 543;
  struct two t = {0};
  keep(chain_two(chain_two(&t, 0), &x)->a, 543);
}
static NOINLINE int **slot_of(struct two *t, int i) {
  return i ? &t->b : &t->a;
}
CASE(slot_returned) {
  int x = 544;
  struct two t = {0};
  *slot_of(&t, 1) = &x;
  keep(t.b, 544);
}
static NOINLINE int param_reuse(int n) {
  n += 545;
  int *p = &n;
  g = p;
  return 0;
}
CASE(param_address) {
  param_reuse(0);
  keep(g, 545);
}
static NOINLINE int *array_param(int *a[static 3]) {
  return a[2];
}
CASE(array_passed) {
  int x = 546;
  int *a[3] = {0, 0, &x};
  keep(array_param(a), 546);
}
static NOINLINE int *struct_of_array(struct { int *q[3]; } * s) {
  return s->q[1];
}
CASE(anonymous_struct) {
  int x = 547;
  int *q[3] = {0, &x, 0};
  keep(struct_of_array((void *)q), 547);
}
CASE(pointer_to_array) {
  int a[3] = {1, 2, 548};
  int(*pa)[3] = &a;
  keep(&(*pa)[2], 548);
}
CASE(many_bases) {
  int x = 549;
  struct box b[10] = {{0}};
  struct box *t = b;
  switch (zero) {
  case 1:
    t = b + 1;
    break;
  case 2:
    t = b + 2;
    break;
  case 3:
    t = b + 3;
    break;
  default:
    t = b + 9;
  }
  t->p = &x;
  keep(b[9].p, 549);
}
CASE(chased) {
  int x = 550;
  struct box b = {0};
  struct box *p1 = &b, *p2 = p1, *p3 = p2, *p4 = p3;
  p4->p = &x;
  keep(b.p, 550);
}
CASE(conditional_slot) {
  int x = 551;
  int *a = 0, *b = 0;
  int **s = zero ? &a : &b;
  *s = &x;
  keep(b, 551);
}
CASE(loop_slot) {
  int x = 552;
  int *a[4] = {0};
  for (int **s = a; s < a + 4; s++) *s = &x;
  keep(a[3], 552);
}
CASE(ring) {
  struct link a = {0, 553}, b = {&a, 554};
  a.up = &b;
  struct link *volatile v = &a;
  keep(&v->up->v, 554);
  keep(&v->up->up->v, 553);
}
static NOINLINE struct link *push(struct link *l, struct link *n) {
  n->up = l;
  return n;
}
CASE(pushed) {
  struct link *l = 0;
  for (int i = 0; i < 3; i++) {
    struct link n = {0, 560 + i};
    l = push(l, &n);
  }
  for (int i = 3; i--; l = l->up) keep(&l->v, 560 + i);
}
