/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_storage.c -- addresses that leave their frame through storage of every kind
 *
 * Arrays, literals, statement expressions; atomics, volatile objects, assembly and thread-locals.
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

/* ---- arrays, literals, statement expressions
 * ------------------------------------------------------ */
CASE(vla_of_pointers) {
  int x = 231, n = 3 + zero;
  int *a[n];
  a[1] = &x;
  keep(a[1], 231);
}
CASE(vla_in_loop) {
  int *k[3];
  for (int i = 0; i < 3; i++) {
    int n = i + 1;
    int *a[n];
    int x = 232 + i;
    a[i] = &x;
    k[i] = a[i];
  }
  for (int i = 0; i < 3; i++) keep(k[i], 232 + i);
}
CASE(vla_2d) {
  int x = 236, n = 2 + zero;
  int *a[n][n];
  a[1][1] = &x;
  int *(*row)[n] = a;
  keep(row[1][1], 236);
}
CASE(alloca_of_pointers) {
  int x = 237;
  int **a = __builtin_alloca(sizeof *a * (size_t)(zero + 2));
  a[1] = &x;
  keep(a[1], 237);
}
CASE(literal) {
  keep(&(int){241}, 241);
  keep(((struct box){&(int){242}, 1}).p, 242);
  keep(((int[]){1, 243}) + 1, 243);
}
CASE(literal_loop) {
  int *a[3];
  for (int i = 0; i < 3; i++) a[i] = &(int){244 + i};
  for (int i = 0; i < 3; i++) keep(a[i], 244 + i);
}
CASE(literal_in_literal) {
  struct link *l = &(struct link){&(struct link){0, 247}, 248};
  keep(&l->v, 248);
  keep(&l->up->v, 247);
}
CASE(literal_in_condition) {
  int *a[2];
  for (int i = 0; (a[i] = &(int){249 + i}) && ++i < 2;) {
  }
  keep(a[0], 249);
  keep(a[1], 250);
}
CASE(statement_expression) {
  int *p = ({
    int x = 251;
    &x;
  });
  keep(p, 251);
  int *q = ({
    int *t = mw_new(int);
    *t = 252;
    t;
  });
  keep(q, 252);
}
CASE(statement_expression_loop) {
  int *a[3];
  for (int i = 0; i < 3; i++)
    a[i] = ({
      int x = 253 + i;
      &x;
    });
  for (int i = 0; i < 3; i++) keep(a[i], 253 + i);
}
CASE(two_blocks) {
  int *p, *q;
  {
    int x = 256;
    p = &x;
  }
  {
    int y = 257;
    q = &y;
  }
  keep(p, 256);
  keep(q, 257);
}
CASE(block_in_frame) {
  int *p;
  {
    int x = 258;
    p = &x;
  }
  {
    int y[20];
    for (int i = 0; i < 20; i++) y[i] = i;
    if (y[zero] == 77) p = y;
  }
  int *r = mw_new(int);
  *r = *p;
  keep(r, 258);
}
CASE(two_dimensional) {
  int a[2][3] = {{0}};
  int *r[2];
  a[1][2] = 259;
  r[0] = a[0];
  r[1] = a[1];
  keep(&r[1][2], 259);
}
CASE(string_array) {
  char s[8] = "abc";
  int *p = (int *)(void *)s;
  *p = 260;
  keep(p, 260);
}
CASE(initialised_struct) {
  struct {
    int a, b;
    struct {
      int c;
    } d[2];
  } s = {1, 2, {{3}, {261}}};
  keep(&s.d[1].c, 261);
}
CASE(for_init) {
  int *p = 0;
  for (int i = 262; i < 263; i++) p = &i;
  keep(p, 263);
}
CASE(for_inner) {
  int *a[3];
  for (int i = 0; i < 3; i++)
    for (int j = 264 + i, k = 0; k < 1; k++) a[i] = &j;
  for (int i = 0; i < 3; i++) keep(a[i], 264 + i);
}
static void cleaner(int **p) {
  g = *p;
}
CASE(cleanup_variable) {
  {
    int x = 267;
    __attribute__((cleanup(cleaner))) int *p = &x;
  }
  keep(g, 267);
}
static void cleaner_self(int *p) {
  g = p;
}
CASE(cleanup_self) {
  {
    __attribute__((cleanup(cleaner_self))) int x = 268;
  }
  keep(g, 268);
}
static int *static_in(int *p) {
  static int *s;
  int *old = s;
  s = p;
  return old;
}
CASE(static_local) {
  int x = 269;
  static_in(&x);
  keep(static_in(0), 269);
}
CASE(static_array) {
  static int *a[4];
  int x = 270;
  a[zero + 2] = &x;
  keep(a[2], 270);
}

/* ---- atomics, volatile, assembly, thread-locals
 * ------------------------------------------------------ */
static _Atomic(int *) ap;
static int *np;
CASE(atomic_store_pointer) {
  int x = 281;
  atomic_store(&ap, &x);
  keep(atomic_load(&ap), 281);
}
CASE(atomic_exchange_pointer) {
  int x = 282;
  (void)atomic_exchange(&ap, &x);
  keep(ap, 282);
}
CASE(atomic_cas_pointer) {
  int x = 283;
  int *old = atomic_load(&ap);
  atomic_compare_exchange_strong(&ap, &old, &x);
  keep(ap, 283);
}
CASE(atomic_cas_loaded) {
  int x = 284;
  atomic_store(&ap, &x);
  int *e = 0;
  (void)atomic_compare_exchange_strong(&ap, &e, 0);
  keep(e, 284);
}
CASE(gnu_atomics) {
  int x = 285, y = 286;
  __atomic_store_n(&np, &x, __ATOMIC_SEQ_CST);
  int *old = __atomic_exchange_n(&np, &y, __ATOMIC_SEQ_CST);
  keep(old, 285);
  keep(np, 286);
}
CASE(gnu_atomic_generic) {
  int x = 287;
  int *v = &x, *o;
  __atomic_store(&np, &v, __ATOMIC_RELEASE);
  __atomic_load(&np, &o, __ATOMIC_ACQUIRE);
  keep(o, 287);
}
CASE(sync_cas) {
  int x = 288;
  np = 0;
  (void)__sync_bool_compare_and_swap(&np, (int *)0, &x);
  keep(np, 288);
}
CASE(sync_swap) {
  int x = 289;
  (void)__sync_lock_test_and_set(&np, &x);
  keep(np, 289);
}
CASE(atomic_uintptr) {
  static _Atomic uintptr_t au;
  int x = 290;
  atomic_store(&au, 0);
  atomic_fetch_or(&au, (uintptr_t)&x);
  keep((int *)atomic_load(&au), 290);
}
CASE(atomic_struct) {
  static _Atomic(struct box) ab;
  int x = 291;
  atomic_store(&ab, ((struct box){&x, 1}));
  struct box b = atomic_load(&ab);
  keep(b.p, 291);
}
CASE(atomic_struct_local) {
  _Atomic(struct box) ab;
  int x = 292;
  atomic_init(&ab, ((struct box){&x, 1}));
  struct box b = atomic_load(&ab);
  keep(b.p, 292);
}
CASE(atomic_big) {
  static struct big s;
  int x = 293;
  struct big b = {{0}}, o;
  b.p = &x;
  __atomic_store(&s, &b, __ATOMIC_SEQ_CST);
  __atomic_load(&s, &o, __ATOMIC_SEQ_CST);
  keep(o.p, 293);
}
CASE(atomic_local) {
  _Atomic(int *) l;
  int x = 294;
  atomic_init(&l, &x);
  int *p = atomic_load(&l);
  keep(p, 294);
}
CASE(volatile_pointer) {
  int x = 295;
  int *volatile p = &x;
  keep(p, 295);
  int y = 279;
  volatile struct box b;
  b.p = &y;
  keep(b.p, 279);
}
CASE(volatile_global) {
  static int *volatile vg;
  int x = 296;
  vg = &x;
  keep(vg, 296);
}
CASE(asm_register) {
  int x = 297;
  int *p = &x, *q;
  __asm__("mov %1, %0" : "=r"(q) : "r"(p));
  keep(q, 297);
}
CASE(asm_in_out) {
  int x = 298;
  int *p = &x;
  __asm__("" : "+r"(p));
  keep(p, 298);
}
CASE(asm_matching) {
  int x = 299;
  int *q;
  __asm__("" : "=r"(q) : "0"(&x));
  keep(q, 299);
}
CASE(asm_lea) {
  int x = 300;
  int *q;
  __asm__("lea %1, %0" : "=r"(q) : "m"(x));
  keep(q, 300);
}
CASE(asm_lea_output) {
  int x;
  int *q;
  __asm__("lea %1, %0; movl $301, %1" : "=&r"(q), "=m"(x));
  keep(q, 301);
}
CASE(asm_memory_pointer) {
  int x = 302;
  int *p = &x, *q;
  __asm__("mov %1, %0" : "=r"(q) : "m"(p));
  keep(q, 302);
}
CASE(asm_memory_store) {
  int x = 303;
  int *q;
  __asm__("mov %1, %0" : "=m"(q) : "r"(&x));
  keep(q, 303);
}
CASE(asm_memory_both) {
  int x = 304;
  int *q;
  __asm__("lea %1, %%rax; mov %%rax, %0" : "=m"(q) : "m"(x) : "rax");
  keep(q, 304);
}
CASE(asm_hidden) {
  int x = 305;
  int **t = &np;
  __asm__("mov %1, (%0)" : : "r"(t), "r"(&x) : "memory");
  keep(np, 305);
}
static _Thread_local int *tl;
static _Thread_local struct box tb;
CASE(thread_local_store) {
  int x = 306;
  tl = &x;
  keep(tl, 306);
  int y = 278;
  tb = (struct box){&y, 1};
  keep(tb.p, 278);
}
CASE(register_variable) {
  register int *r __asm__("rbx");
  int x = 307;
  r = &x;
  __asm__("" : "+r"(r));
  keep(r, 307);
}
