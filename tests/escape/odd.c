/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/odd.c -- addresses that pass through what C and its library have besides pointers
 *
 * Vectors, wide and rotated integers, atomic numbers, variable arguments, setjmp, threads,
 * libc functions that keep an argument or return into it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <alloca.h>
#include <ctype.h>
#include <search.h>
#include <signal.h>
#include <threads.h>
#include "tricky.h"
static int *g;
static void *gv;
static int **gpp;
typedef long v2 __attribute__((vector_size(16)));
typedef int *v2p;
CASE(auto_type) {
  int x = 1;
  __auto_type p = &x;
  __auto_type pp = &p;
  keep(*pp, 1);
}
CASE(typeof_chain) {
  int x = 2;
  __typeof__(&x) p = &x;
  __typeof__(*&p) q = p;
  keep(q, 2);
}
CASE(vector_lanes) {
  int x = 3, y = 4;
  v2 v = {(long)&x, (long)&y};
  v2 w = __builtin_shufflevector(v, v, 1, 0);
  keep((int *)w[0], 4);
  keep((int *)w[1], 3);
}
CASE(vector_memory) {
  int x = 5;
  v2 v = {0, 0};
  ((long *)&v)[1] = (long)&x;
  volatile v2 k = v;
  v2 m = k;
  keep((int *)m[1], 5);
}
CASE(shift_tag) {
  int x = 6;
  unsigned long u = (unsigned long)&x << 8 | 0x42;
  keep((int *)(u >> 8), 6);
}
CASE(rotate) {
  int x = 7;
  unsigned long u = (unsigned long)&x;
  u = u << 13 | u >> 51;
  u = u >> 13 | u << 51;
  keep((int *)u, 7);
}
CASE(negate) {
  int x = 8;
  unsigned long u = -(unsigned long)&x;
  keep((int *)-u, 8);
}
CASE(complement) {
  int x = 9;
  unsigned long u = ~(unsigned long)&x;
  keep((int *)~u, 9);
}
CASE(byteswap) {
  int x = 10;
  unsigned long u = __builtin_bswap64((unsigned long)&x);
  keep((int *)__builtin_bswap64(u), 10);
}
CASE(bitreverse) {
  int x = 11;
  unsigned long u = __builtin_bitreverse64((unsigned long)&x);
  keep((int *)__builtin_bitreverse64(u), 11);
}
CASE(int128) {
  int x = 12;
  unsigned __int128 u = (unsigned __int128)(unsigned long)&x << 64;
  keep((int *)(unsigned long)(u >> 64), 12);
}
CASE(int128_pack) {
  int x = 13, y = 14;
  unsigned __int128 u = (unsigned __int128)(unsigned long)&x << 64 | (unsigned long)&y;
  keep((int *)(unsigned long)(u >> 64), 13);
  keep((int *)(unsigned long)u, 14);
}
CASE(offset_from_null) {
  int x = 15;
  ptrdiff_t d = (char *)&x - (char *)0;
  keep((int *)((char *)0 + d), 15);
}
CASE(offset_from_global) {
  static char base[8];
  int x = 16;
  unsigned long d = (unsigned long)&x - (unsigned long)base;
  keep((int *)((unsigned long)base + d), 16);
}
struct outer {
  long pad;
  struct {
    int a;
    int b;
  } in;
};
CASE(container) {
  struct outer o = {1, {17, 18}};
  int *b = &o.in.b;
  struct outer *back = (struct outer *)((char *)b - offsetof(struct outer, in.b));
  keep(&back->in.a, 17);
  keep(&back->in.b, 18);
}
CASE(vla_of_pointers) {
  int n = 3 + zero;
  int *a[n];
  for (int i = 0; i < n; i++) {
    int x = 20 + i;
    a[i] = &x;
  }
  for (int i = 0; i < n; i++) keep(a[i], 20 + i);
}
CASE(alloca_of_pointers) {
  int **a = alloca(sizeof *a * 4);
  for (int i = 0; i < 4; i++) {
    int x = 30 + i;
    a[i] = &x;
  }
  for (int i = 0; i < 4; i++) keep(a[i], 30 + i);
}
CASE(vla_struct) {
  int n = 2 + zero;
  struct box b[n];
  int x = 36;
  b[1] = (struct box){&x, 1};
  struct box c = b[1];
  keep(c.p, 36);
}
static jmp_buf jb;
static NOINLINE int *jumps(int v) {
  int x = v;
  int *volatile p = &x;
  if (setjmp(jb)) return p;
  longjmp(jb, 1);
}
CASE(across_setjmp) {
  keep(jumps(40), 40);
}
static NOINLINE void setjmp_loop(void) {
  for (volatile int i = 0; i < 3; i++) {
    int x = 41 + i;
    if (!setjmp(jb)) {
      keep(&x, 41 + i);
      longjmp(jb, 1);
    }
  }
}
CASE(setjmp_in_loop) {
  setjmp_loop();
}
CASE(setjmp_new) {
  for (int i = 0; i < 3; i++) {
    int *p = mw_new(int);
    *p = 45 + i;
    if (setjmp(jb) == 0) longjmp(jb, 2);
    keep(p, 45 + i);
  }
}
static NOINLINE int *va_many(int n, ...) {
  va_list a, b;
  va_start(a, n);
  va_copy(b, a);
  int *p = 0;
  while (n--) p = va_arg(b, int *);
  va_end(b);
  va_end(a);
  return p;
}
CASE(va_copied) {
  int x = 50;
  keep(va_many(9, 0, 0, 0, 0, 0, 0, 0, 0, &x), 50);
}
struct pair {
  int *a, *b;
};
static NOINLINE struct pair va_struct(int n, ...) {
  va_list a;
  va_start(a, n);
  struct pair p = va_arg(a, struct pair);
  va_end(a);
  return p;
}
CASE(va_of_struct) {
  int x = 51, y = 52;
  struct pair p = va_struct(1, (struct pair){&x, &y});
  keep(p.a, 51);
  keep(p.b, 52);
}
struct wide {
  int *p[5];
};
static NOINLINE struct wide va_wide(int n, ...) {
  va_list a;
  va_start(a, n);
  (void)va_arg(a, int);
  struct wide w = va_arg(a, struct wide);
  va_end(a);
  return w;
}
CASE(va_of_wide) {
  int x = 53;
  struct wide w = {{0, 0, 0, 0, &x}};
  keep(va_wide(2, 1, w).p[4], 53);
}
static NOINLINE void vput(va_list ap) {
  g = va_arg(ap, int *);
}
static NOINLINE void vput0(int n, ...) {
  va_list ap;
  va_start(ap, n);
  vput(ap);
  va_end(ap);
}
CASE(va_list_passed) {
  int x = 54;
  vput0(1, &x);
  keep(g, 54);
}
CASE(ternary_gnu) {
  int x = 55;
  int *p = &x;
  int *q = p ?: g;
  keep(q, 55);
}
CASE(comma_assign) {
  int x = 56, *p, *q;
  p = q = (0, &x);
  keep(p, 56);
  (void)q;
}
CASE(compound_assign) {
  int a[4] = {57, 58, 59, 60};
  int *p = a;
  p += 2;
  keep(p, 59);
  keep(p -= 1, 58);
}
CASE(post_increment_deref) {
  int a[3] = {61, 62, 63}, *p = a;
  int *q = p++;
  keep(q, 61);
  keep(p, 62);
}
CASE(nested_fn_ptr) {
  int x = 64;
  int *(*f)(void *, int, size_t) = (int *(*)(void *, int, size_t))(void *)memchr;
  unsigned char *c = (unsigned char *)&x;
  keep(f(c, 64, 4), 64);
}
CASE(builtin_memchr) {
  int x = 65;
  keep(__builtin_memchr(&x, 65, 1), 65);
}
CASE(assume_aligned) {
  int x __attribute__((aligned(32))) = 66;
  keep(__builtin_assume_aligned(&x, 32), 66);
}
CASE(align_up_builtin) {
  char b[64];
  int *p = (int *)__builtin_align_up(b, 16);
  *p = 67;
  keep(p, 67);
}
CASE(align_down_builtin) {
  char b[64];
  int *p = (int *)__builtin_align_down(b + 40, 16);
  *p = 68;
  keep(p, 68);
}
CASE(expect) {
  int x = 69;
  int *p = (int *)__builtin_expect((long)&x, 0);
  keep(p, 69);
}
CASE(choose) {
  int x = 70;
  keep(__builtin_choose_expr(1, &x, (int *)0), 70);
}
CASE(generic) {
  int x = 71;
  keep(_Generic(x, int: &x, default: 0), 71);
}
CASE(complex_part) {
  _Complex double z = 0;
  __real__ z = 1;
  int *p = (int *)&__imag__ z;
  *p = 72;
  keep(p, 72);
}
CASE(string_array) {
  char s[] = "I\0\0\0";
  keep((int *)(void *)s, 73);
}
CASE(strtok_kept) {
  char s[16] = "JJJ,b";
  char *p = strtok(s, ",");
  (void)p;
  char *q = strtok(NULL, ",");
  (void)q;
  s[0] = 74;
  s[1] = s[2] = s[3] = 0;
  keep((int *)(void *)s, 74);
}
static NOINLINE void tok1(void) {
  char s[16] = "aa,bbbb,c";
  strtok(s, ",");
}
CASE(strtok_across) {
  tok1();
  char *p = strtok(NULL, ",");
  if (strcmp(p, "bbbb")) abort();
  *(int *)(void *)p = 75;
  keep((int *)(void *)p, 75);
}
CASE(strtok_r_save) {
  char s[16] = "aaaa,bbbb", *save;
  char *p = strtok_r(s, ",", &save);
  (void)p;
  *(int *)(void *)save = 76;
  keep((int *)(void *)save, 76);
}
CASE(strsep_rest) {
  char s[24] = "aaa,bbbbbb", *rest = s;
  strsep(&rest, ",");
  *(int *)(void *)rest = 77;
  keep((int *)(void *)rest, 77);
}
static int cmp(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}
static void *root;
static NOINLINE void tins(int v) {
  int x = v;
  tsearch(&x, &root, cmp);
}
CASE(tsearch_kept) {
  tins(78);
  tins(79);
  int k = 78;
  keep(*(int **)tfind(&k, &root, cmp), 78);
  k = 79;
  keep(*(int **)tfind(&k, &root, cmp), 79);
}
CASE(lfind_found) {
  int a[4] = {80, 81, 82, 83};
  size_t n = 4;
  int k = 82;
  keep(lfind(&k, a, &n, sizeof *a, cmp), 82);
}
CASE(bsearch_found) {
  int a[4] = {84, 85, 86, 87};
  int k = 85;
  keep(bsearch(&k, a, 4, sizeof *a, cmp), 85);
}
static int pcmp(const void *a, const void *b) {
  return **(int *const *)a - **(int *const *)b;
}
CASE(qsort_pointers) {
  int x = 89, y = 88;
  int *a[2] = {&x, &y};
  qsort(a, 2, sizeof *a, pcmp);
  keep(a[0], 88);
  keep(a[1], 89);
}
CASE(env_kept) {
  char e[16] = "UNSEEN=x";
  putenv(e);
  *(int *)(void *)(e + 8) = 90;
  keep((int *)(void *)(e + 8), 90);
}
CASE(memccpy_result) {
  char b[16];
  char *p = memccpy(b, "abc", 'b', 3);
  *(int *)(void *)p = 91;
  keep((int *)(void *)p, 91);
}
CASE(stpcpy_result) {
  char b[16];
  char *p = stpcpy(b, "abc");
  *(int *)(void *)(p + 1) = 92;
  keep((int *)(void *)(p + 1), 92);
}
CASE(sprintf_self) {
  char b[16];
  int n = sprintf(b, "xx");
  *(int *)(void *)(b + n) = 93;
  keep((int *)(void *)(b + n), 93);
}
CASE(fmemopen_kept) {
  char b[16] = {0};
  FILE *f = fmemopen(b, 16, "w");
  fputc(94, f);
  fclose(f);
  keep((int *)(void *)b, 94);
}
CASE(memstream) {
  char *p;
  size_t n;
  FILE *f = open_memstream(&p, &n);
  fputs("_aaa", f);
  fclose(f);
  *(int *)(void *)p = 95;
  int *q = mw_new(int);
  *q = *(int *)(void *)p;
  free(p);
  keep(q, 95);
}
struct list {
  struct list *next;
  int n;
};
static struct list *lhead;
static NOINLINE void push_local(int n) {
  struct list l = {lhead, n};
  lhead = &l;
}
CASE(list_of_frames) {
  for (int i = 0; i < 5; i++) push_local(100 + i);
  int w = 104;
  for (struct list *l = lhead; l; l = l->next) keep(&l->n, w--);
}
static NOINLINE void rec_list(struct list *up, int n) {
  struct list l = {up, 110 + n};
  if (n)
    rec_list(&l, n - 1);
  else
    for (struct list *p = &l; p; p = p->next) keep(&p->n, p->n);
}
CASE(list_down_recursion) {
  rec_list(0, 4);
}
CASE(static_local_cache) {
  static int *cache;
  for (int i = 0; i < 3; i++) {
    int x = 120 + i;
    if (cache) keep(cache, 119 + i);
    cache = &x;
  }
  keep(cache, 122);
}
CASE(thread_local_cache) {
  static _Thread_local int *cache;
  int x = 123;
  cache = &x;
  keep(cache, 123);
}
static int thr(void *p) {
  g = p;
  return 0;
}
CASE(by_thread) {
  int x = 124;
  thrd_t t;
  thrd_create(&t, thr, &x);
  thrd_join(t, 0);
  keep(g, 124);
}
CASE(atomic_struct) {
  _Atomic struct pair p;
  int x = 125, y = 126;
  atomic_init(&p, ((struct pair){&x, &y}));
  struct pair q = atomic_load(&p);
  keep(q.a, 125);
  keep(q.b, 126);
}
CASE(atomic_exchange_chain) {
  _Atomic(int *) p = 0;
  int x = 127, y = 128;
  atomic_exchange(&p, &x);
  int *q = atomic_exchange(&p, &y);
  keep(q, 127);
  keep(atomic_load(&p), 128);
}
CASE(atomic_cas_expected) {
  _Atomic(int *) p;
  int x = 129;
  atomic_init(&p, &x);
  int *e = 0;
  atomic_compare_exchange_strong(&p, &e, 0);
  keep(e, 129);
}
CASE(atomic_long_or) {
  _Atomic unsigned long u = 0;
  int x = 130;
  atomic_fetch_or(&u, (unsigned long)&x);
  keep((int *)atomic_load(&u), 130);
}
CASE(atomic_long_add) {
  _Atomic unsigned long u = 0;
  int x = 131;
  atomic_fetch_add(&u, (unsigned long)&x);
  keep((int *)atomic_load(&u), 131);
}
CASE(atomic_long_xor) {
  _Atomic unsigned long u = 5;
  int x = 132;
  atomic_fetch_xor(&u, (unsigned long)&x);
  keep((int *)(atomic_load(&u) ^ 5), 132);
}
CASE(sync_builtin) {
  unsigned long u = 0;
  int x = 133;
  __sync_fetch_and_add(&u, (unsigned long)&x);
  keep((int *)u, 133);
}
