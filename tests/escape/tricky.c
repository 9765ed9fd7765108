/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky.c -- addresses that leave their frame in ways that are easily missed
 *
 * Each CASE makes a variable or an object whose address outlives its frame, or
 * its turn of a loop, and gives it to keep() (tricky.h).  Cases whose result is
 * an object of mw_new(int) check what stayed inside the frame: storage that a
 * loop may use again in each turn only where nothing of the turn before lives.
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

void plain_put(int, int *);
int *plain_get(int);
void plain_put_box(struct box);
void plain_put_big(struct big);
void plain_put_pp(int **);
int *plain_get_pp(void);
void plain_va(int, ...);
void plain_call(void (*)(void *), void *);
void plain_call2(void (*)(int **, int *), int **, int *);
int *plain_same(int *);
void other_put(int *);
int *other_get(void);
int *other_same(int *);
void other_store(int **, int *);

static int *g;
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

/* ---- integers, bits --------------------------------------------------------- */
CASE(tag_low) {
  int x = 31;
  uintptr_t u = (uintptr_t)&x | 1;
  keep((int *)(u & ~(uintptr_t)1), 31);
}
CASE(tag_plus) {
  int x = 32;
  uintptr_t u = (uintptr_t)&x + 3;
  keep((int *)(u - 3), 32);
}
CASE(tag_high) {
  int x = 33;
  uintptr_t u = (uintptr_t)&x << 16 | 7;
  keep((int *)(u >> 16), 33);
}
CASE(align_mask) {
  char b[64];
  int *p = (int *)(((uintptr_t)b + 15) & ~(uintptr_t)15);
  *p = 34;
  keep(p, 34);
}
CASE(align_divide) {
  char b[64];
  int *p = (int *)(((uintptr_t)b + 15) / 16 * 16);
  *p = 35;
  keep(p, 35);
}
CASE(align_divide_variable) {
  char b[64];
  uintptr_t a = 16 + (unsigned)zero;
  int *p = (int *)(((uintptr_t)b + 15) / a * a);
  *p = 36;
  keep(p, 36);
}
CASE(align_remainder) {
  char b[64];
  uintptr_t u = (uintptr_t)b + 15;
  int *p = (int *)(u - u % 16);
  *p = 37;
  keep(p, 37);
}
CASE(align_remainder_variable) {
  char b[64];
  uintptr_t a = 16 + (unsigned)zero, u = (uintptr_t)b + 15;
  int *p = (int *)(u - u % a);
  *p = 38;
  keep(p, 38);
}
CASE(compressed) {
  int x = 39;
  uintptr_t u = (uintptr_t)&x >> 2;
  keep((int *)(u << 2), 39);
}
CASE(negated) {
  int x = 40;
  uintptr_t u = -(uintptr_t)&x;
  keep((int *)-u, 40);
}
CASE(complemented) {
  int x = 41;
  uintptr_t u = ~(uintptr_t)&x;
  keep((int *)~u, 41);
}
CASE(xor_swap) {
  int x = 42, y = 43;
  uintptr_t a = (uintptr_t)&x, b = (uintptr_t)&y;
  a ^= b;
  b ^= a;
  a ^= b;
  keep((int *)a, 43);
  keep((int *)b, 42);
}
CASE(index_from_null) {
  int x = 44;
  uintptr_t u = (uintptr_t)&x;
  char *p = (char *)0 + u;
  keep((int *)p, 44);
}
CASE(difference_and_back) {
  int x[4] = {1, 2, 3, 45};
  ptrdiff_t d = &x[3] - x;
  keep(x + d, 45);
}
CASE(container_of) {
  struct box b = {0};
  int **pp = &b.p;
  struct box *back = (struct box *)((char *)pp - offsetof(struct box, p));
  back->n = 46;
  keep((int *)&back->n, 46);
}
CASE(rotated) {
  int x = 47;
  uint64_t u = (uintptr_t)&x;
  u = __builtin_rotateleft64(u, 13);
  keep((int *)__builtin_rotateright64(u, 13), 47);
}
CASE(byte_swapped) {
  int x = 48;
  uint64_t u = __builtin_bswap64((uintptr_t)&x);
  keep((int *)__builtin_bswap64(u), 48);
}
CASE(min_of_addresses) {
  int x = 49;
  uintptr_t a = (uintptr_t)&x, b = ~(uintptr_t)0;
  keep((int *)(a < b ? a : b), 49);
}
CASE(int_field) {
  struct {
    long k;
    uintptr_t u;
  } s = {1, 0};
  int x = 50;
  s.u = (uintptr_t)&x;
  keep((int *)s.u, 50);
}
CASE(bit_field) {
  struct {
    uint64_t tag : 4, p : 60;
  } s;
  int x = 51;
  s.tag = 3;
  s.p = (uintptr_t)&x;
  keep((int *)(uintptr_t)s.p, 51);
}
CASE(boxed_nan) {
  int x = 52;
  union {
    double d;
    uint64_t u;
  } v = {.u = (uintptr_t)&x | 0xfffc000000000000u};
  double d = v.d;
  v.d = d;
  keep((int *)(v.u & 0xffffffffffffu), 52);
}
CASE(overflow_builtin) {
  int x = 53;
  uintptr_t r;
  __builtin_add_overflow((uintptr_t)&x, (uintptr_t)4, &r);
  keep((int *)(r - 4), 53);
}
static NOINLINE uintptr_t to_int(int *p) {
  return (uintptr_t)p;
}
static NOINLINE uintptr_t local_int(void) {
  int x = 54;
  return (uintptr_t)&x;
}
CASE(int_result) {
  int x = 55;
  keep((int *)to_int(&x), 55);
  keep((int *)local_int(), 54);
}
CASE(align_builtin) {
  char b[64];
  int *p = (int *)__builtin_align_up(b, 16);
  *p = 56;
  keep(p, 56);
}
CASE(assume_aligned) {
  int x = 57;
  keep(__builtin_assume_aligned(&x, 4), 57);
}
CASE(launder) {
  int x = 58;
  int *p = __builtin_launder(&x);
  keep(p, 58);
}
CASE(expect) {
  int x = 59;
  keep((int *)__builtin_expect((long)&x, 0), 59);
}

/* ---- unions ------------------------------------------------------------------- */
union word {
  int *p;
  uintptr_t u;
  double d;
  unsigned char c[8];
  struct {
    int *q;
  } s;
  char *t;
};
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

/* ---- control ------------------------------------------------------------------------------ */
CASE(set_jump) {
  jmp_buf b;
  volatile int n = 0;
  int *first = 0;
  int *volatile saved = 0;
  if (setjmp(b) == 0) {
  }
  {
    int x = 121 + n;
    if (n == 0)
      saved = &x;
    else
      first = &x;
  }
  n++;
  if (n < 2) longjmp(b, 1);
  keep(saved, 121);
  keep(first, 122);
}
static jmp_buf away;
static int *jumped;
static NOINLINE void jumper(int *p) {
  jumped = p;
  longjmp(away, 1);
}
CASE(long_jump_keeps) {
  int x = 123;
  if (setjmp(away) == 0) jumper(&x);
  keep(jumped, 123);
}
static NOINLINE void alloc_and_jump(void) {
  int *p = mw_new(int);
  *p = 124;
  jumped = p;
  longjmp(away, 1);
}
CASE(long_jump_new) {
  if (setjmp(away) == 0) alloc_and_jump();
  keep(jumped, 124);
}
CASE(computed_goto) {
  static const void *const to[] = {&&a, &&b, &&c};
  int *p = 0;
  int i = zero;
  goto *to[i];
a: {
  int x = 125;
  p = &x;
}
  i = 1;
  goto *to[i];
b: {
  int y = 126;
  keep(p, 125);
  p = &y;
}
  i = 2;
  goto *to[i];
c:
  keep(p, 126);
}
CASE(goto_loop) {
  int *a[3];
  int i = zero;
again: {
  int x = 127 + i;
  a[i] = &x;
}
  if (++i < 3) goto again;
  for (i = 0; i < 3; i++) keep(a[i], 127 + i);
}
CASE(goto_loop_new) {
  static const void *const to[] = {&&again, &&out};
  int *a[3];
  int i = zero;
again:;
  int *p = mw_new(int);
  *p = 134 + i;
  a[i] = p;
  i++;
  goto *to[i == 3];
out:
  for (i = 0; i < 3; i++) keep(a[i], 134 + i);
}
CASE(switch_in_loop) {
  int *a[4];
  for (int i = 0; i < 4; i++) {
    switch (i & 1) {
    case 0: {
      int x = 140 + i;
      a[i] = &x;
      break;
    }
    default: {
      int y = 140 + i;
      a[i] = &y;
    }
    }
  }
  for (int i = 0; i < 4; i++) keep(a[i], 140 + i);
}
CASE(duff) {
  int *a[6];
  int n = 6, i = 0;
  switch (zero) {
    do {
    case 0: {
      int x = 150 + i;
      a[i++] = &x;
    }
    } while (--n > 0);
  }
  for (i = 0; i < 6; i++) keep(a[i], 150 + i);
}
CASE(irreducible) {
  int *a[4];
  int i = 0;
  if (zero) goto mid;
top:
  if (i >= 4) goto end;
mid: {
  int x = 160 + i;
  a[i] = &x;
}
  i++;
  goto top;
end:
  for (i = 0; i < 4; i++) keep(a[i], 160 + i);
}
CASE(ternary) {
  int x = 171, y = 172;
  int *p = zero ? &x : &y;
  keep(p, 172);
  int z = 170;
  int **q = zero ? (int *[]){&x} : (int *[]){&z};
  keep(*q, 170);
}
CASE(comma) {
  int x = 173;
  int *p = (zero++, zero--, &x);
  keep(p, 173);
}
CASE(phi_heap_stack) {
  int x = 174;
  int *h = mw_new(int);
  *h = 175;
  int *p = zero ? h : &x;
  keep(p, 174);
  p = zero ? &x : h;
  keep(p, 175);
}
CASE(store_through_phi) {
  struct box l = {0};
  struct box *h = mw_new(struct box);
  int x = 176;
  struct box *t = zero ? &l : h;
  t->p = &x;
  keep(h->p, 176);
}
CASE(store_through_select_global) {
  static struct box sg;
  struct box l = {0};
  int x = 177;
  struct box *t = zero ? &l : &sg;
  t->p = &x;
  keep(sg.p, 177);
}
CASE(short_circuit) {
  int x = 178;
  int *p = 0;
  if (!zero && (p = &x) != 0) keep(p, 178);
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
struct link {
  struct link *up;
  int v;
};
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

/* ---- the runtime
 * ---------------------------------------------------------------------------------------- */
struct job {
  int *p;
  mw_chan *done;
  struct {
    int *q;
  } in;
};
static void worker(void *arg) {
  struct job *j = arg;
  *j->p += 1;
  mw_chan_send(j->done, j->in.q);
}
CASE(goroutine) {
  mw_chan *c = mw_chan_make(int *, 0);
  int x = 310, y = 312;
  struct job j = {&x, c, {&y}};
  mw_go(worker, &j);
  int *q;
  mw_chan_recv(c, &q);
  keep(j.p, 311);
  keep(q, 312);
}
static void later(void *arg) {
  for (int i = 0; i < 20; i++) mw_yield();
  *(int *)arg += 1;
  mw_waitgroup *w = *(mw_waitgroup **)((int *)arg + 2);
  mw_waitgroup_done(w);
}
static mw_waitgroup wg;
CASE(goroutine_outlives) {
  struct {
    int v, pad;
    mw_waitgroup *w;
  } s = {313, 0, &wg};
  mw_waitgroup_add(&wg, 1);
  mw_go(later, &s);
  keep(&s.v, 314);
}
CASE(goroutine_loop) {
  for (int i = 0; i < 4; i++) {
    struct {
      int v, pad;
      mw_waitgroup *w;
    } s = {320 + i * 10, 0, &wg};
    mw_waitgroup_add(&wg, 1);
    mw_go(later, &s);
    keep(&s.v, 321 + i * 10);
  }
}
CASE(send_struct) {
  mw_chan *c = mw_chan_make(struct box, 2);
  int x = 371;
  struct box b = {&x, 1}, o;
  mw_chan_send(c, b);
  mw_chan_recv(c, &o);
  keep(o.p, 371);
}
CASE(send_big) {
  mw_chan *c = mw_chan_make(struct big, 2);
  int x = 372;
  struct big b = {{0}}, o;
  b.p = &x;
  mw_chan_send(c, b);
  mw_chan_recv(c, &o);
  keep(o.p, 372);
}
CASE(send_try) {
  mw_chan *c = mw_chan_make(int *, 2);
  int x = 373;
  int *o = 0;
  (void)mw_chan_try_send(c, &x);
  (void)mw_chan_try_recv(c, &o);
  keep(o, 373);
}
CASE(select_send) {
  mw_chan *c = mw_chan_make(int *, 1), *d = mw_chan_make(int *, 1);
  int x = 374;
  int *v = &x, *o = 0;
  mw_case k[] = {mw_case_send(c, &v), mw_case_send(d, &v)};
  int n = mw_select(k, 2);
  mw_chan_recv(n ? d : c, &o);
  keep(o, 374);
}
CASE(select_literal) {
  mw_chan *c = mw_chan_make(struct box, 1);
  struct box o = {0};
  int x = 375;
  struct box b = {&x, 2};
  (void)mw_select((mw_case[]){mw_case_send(c, &b)}, 1);
  mw_chan_recv(c, &o);
  keep(o.p, 375);
}
CASE(select_recv) {
  mw_chan *c = mw_chan_make(int *, 1);
  int x = 376;
  mw_chan_send(c, &x);
  int *o = 0;
  mw_case k[] = {mw_case_recv(c, &o)};
  (void)mw_select(k, 1);
  keep(o, 376);
}
CASE(weak_pointer) {
  int *p = mw_new(int);
  *p = 377;
  mw_weak w = mw_weak_make(p);
  keep(mw_weak_get(w), 377);
}
CASE(handle) {
  int x = 378;
  mw_handle h = mw_handle_new(&x);
  keep(mw_handle_get(h), 378);
  mw_handle_free(h);
}
static void *pool_make(void) {
  return mw_new(struct box);
}
CASE(pool) {
  static mw_pool pl = {.make = pool_make};
  struct box b = {0};
  int x = 379;
  b.p = &x;
  mw_pool_put(&pl, &b);
  keep(&x, 379);
}
CASE(set_root) {
  int x = 380;
  static int *r;
  mw_root_add(&r, sizeof r);
  r = &x;
  keep(r, 380);
  mw_root_remove(&r);
}

/* ---- libc that keeps
 * ------------------------------------------------------------------------------------ */
static int *seen[2];
static int stasher(const void *a, const void *b) {
  seen[0] = (int *)a;
  seen[1] = (int *)b;
  return *(const int *)a - *(const int *)b;
}
CASE(qsort_stash) {
  int a[3] = {393, 391, 392};
  qsort(a, 3, sizeof *a, stasher);
  seen[0] = &a[0];
  keep(&a[0], 391);
  keep(&a[1], 392);
  keep(&a[2], 393);
}
static int *seen2;
static int stasher2(const void *a, const void *b) {
  if (*(const int *)a == 395) seen2 = (int *)a;
  return *(const int *)a - *(const int *)b;
}
CASE(bsearch_stash) {
  int a[3] = {394, 395, 396};
  int k = 395;
  (void)bsearch(&k, a, 3, sizeof *a, stasher2);
  keep(seen2, 395);
}
CASE(bsearch_result) {
  int a[3] = {397, 398, 399};
  int k = 398;
  keep(bsearch(&k, a, 3, sizeof *a, stasher2), 398);
}
static int by_pointed(const void *a, const void *b) {
  return **(int *const *)a - **(int *const *)b;
}
CASE(qsort_pointers) {
  int x = 402, y = 401;
  int *a[2] = {&x, &y};
  qsort(a, 2, sizeof *a, by_pointed);
  keep(a[0], 401);
  keep(a[1], 402);
}
CASE(lsearch_stores) {
  int *t[4];
  size_t n = 0;
  int x = 403;
  int *k = &x;
  lsearch(&k, t, &n, sizeof *t, by_pointed);
  keep(t[0], 403);
}
static int by_int(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}
CASE(tree_search) {
  void *root = 0;
  int x = 404;
  tsearch(&x, &root, by_int);
  int k = 404;
  int **f = tfind(&k, &root, by_int);
  keep(*f, 404);
}
CASE(hash_search) {
  hcreate(8);
  int x = 405;
  char key[4] = "k";
  ENTRY e = {key, &x};
  hsearch(e, ENTER);
  ENTRY q = {"k", 0};
  keep(hsearch(q, FIND)->data, 405);
  int *kk = (int *)(void *)hsearch(q, FIND)->key;
  (void)kk;
}
CASE(strtok_keeps) {
  char s[] = "a b";
  (void)strtok(s, " ");
  char *t = strtok(0, " ");
  int *p = (int *)(void *)s;
  *p = 406;
  keep(p, 406);
  (void)t;
}
CASE(strtok_r_keeps) {
  char s[16] = "aaaa bbbb";
  char *st = 0;
  char *t = strtok_r(s, " ", &st);
  t = strtok_r(0, " ", &st);
  memcpy(s, &(int){407}, 4);
  keep((int *)(void *)(t - 5), 407);
}
CASE(strsep_keeps) {
  char s[16] = "aaaa:bbbb";
  char *st = s;
  (void)strsep(&st, ":");
  memcpy(s, &(int){408}, 4);
  keep((int *)(void *)(st - 5), 408);
}
CASE(strtol_end) {
  char s[16] = "12345678x";
  char *e;
  (void)strtol(s, &e, 10);
  memcpy(s, &(int){409}, 4);
  keep((int *)(void *)(e - 8), 409);
}
CASE(strchr_result) {
  char s[16] = "12345678x";
  char *e = strchr(s, 'x');
  memcpy(s, &(int){410}, 4);
  keep((int *)(void *)(e - 8), 410);
}
CASE(memchr_result) {
  int a[2] = {1, 411};
  keep((int *)memchr(a, 1, 4) + 1, 411);
}
CASE(strcpy_result) {
  char s[16];
  char *t = strcpy(s, "abcdefg");
  memcpy(t, &(int){412}, 4);
  keep((int *)(void *)t, 412);
  char u[16];
  t = stpcpy(u, "abcdefgh");
  memcpy(u, &(int){413}, 4);
  keep((int *)(void *)(t - 8), 413);
}
CASE(memcpy_result) {
  int x = 1, y = 414;
  keep(memcpy(&x, &y, 4), 414);
  int a[2];
  keep((int *)mempcpy(a, &y, 4) - 1, 414 + zero);
}
CASE(fgets_result) {
  char s[16];
  FILE *f = fmemopen((char[]){"abcdefg\n"}, 8, "r");
  char *t = fgets(s, 16, f);
  fclose(f);
  memcpy(t, &(int){416}, 4);
  keep((int *)(void *)t, 416);
}
CASE(setvbuf_keeps) {
  char b[256];
  FILE *f = fmemopen(0, 512, "w+");
  setvbuf(f, b, _IOFBF, sizeof b);
  fputs("hello", f);
  fflush(f);
  memcpy(b, &(int){417}, 4);
  keep((int *)(void *)b, 417);
  fclose(f);
}
CASE(putenv_keeps) {
  char s[16] = "MWTRICKY=abcdef";
  putenv(s);
  keep((int *)(void *)getenv("MWTRICKY"), *(int *)(void *)(s + 9));
}
CASE(insque_keeps) {
  struct q {
    struct q *f, *b;
    int v, pad;
  } a = {0, 0, 418, 0}, b = {0, 0, 419, 0};
  insque(&a, 0);
  insque(&b, &a);
  keep(&a.f->v, 419);
  keep(&b.b->v, 418);
}
CASE(realpath_result) {
  char b[4096];
  char *r = realpath("/", b);
  memcpy(r, &(int){420}, 4);
  keep((int *)(void *)r, 420);
}
CASE(asprintf_none) {
  char *s;
  int x = 421;
  if (asprintf(&s, "%p", (void *)&x) > 0) {
    void *p;
    sscanf(s, "%p", &p);
    free(s);
  }
  keep(&x, 421);
}
CASE(malloc_keeps) {
  int x = 422;
  int **m = malloc(sizeof *m);
  *m = &x;
  int *p = *m;
  keep(p, 422);
  free(m);
}

/* ---- other files, weak functions, aliases
 * ----------------------------------------------------------------- */
__attribute__((weak)) void replaced(int *p) {
  (void)p;
}
__attribute__((weak)) int *replaced_result(int *p) {
  (void)p;
  return 0;
}
CASE(weak_replaced) {
  int x = 431;
  replaced(&x);
  keep(other_get(), 431);
  int y = 432;
  keep(replaced_result(&y), 432);
}
static void alias_body(int *p) {
  g = p;
}
static void alias_of(int *) __attribute__((alias("alias_body")));
void weak_alias(int *) __attribute__((weak, alias("alias_body")));
CASE(aliases) {
  int x = 433;
  alias_of(&x);
  keep(g, 433);
  int y = 434;
  weak_alias(&y);
  keep(g, 434);
}
CASE(other_file) {
  int x = 435;
  other_put(&x);
  keep(other_get(), 435);
  int y = 436;
  keep(other_same(&y), 436);
  int z = 437;
  int *o = 0;
  other_store(&o, &z);
  keep(o, 437);
}
CASE(plain_file) {
  int x = 438;
  plain_put(1, &x);
  keep(plain_get(1), 438);
  int y = 439;
  keep(plain_same(&y), 439);
}
static NOINLINE int *noret(int *p) {
  if (zero) __builtin_unreachable();
  return p;
}
CASE(attributes) {
  int x = 440;
  keep(noret(&x), 440);
}
__attribute__((const)) static NOINLINE int *const_same(int *p) {
  return p;
}
CASE(const_function) {
  int x = 441;
  keep(const_same(&x), 441);
}
static int *knr();
static int *knr(a, b)
int *a, *b;
{
  (void)a;
  return b;
}
CASE(old_style) {
  int x = 442, y = 443;
  keep(knr(&x, &y), 443);
}
CASE(called_by_other_type) {
  int x = 444;
  int *(*volatile f)(void *) = (int *(*)(void *))same;
  keep(f(&x), 444);
  int y = 277;
  keep(((int *(*)(long))same)((long)&y), 277);
}
static inline __attribute__((always_inline)) void inl_put(int *p) {
  int **t = &np;
  *t = p;
}
CASE(always_inlined) {
  int x = 445;
  inl_put(&x);
  keep(np, 445);
}
static NOINLINE void restrict_put(int **restrict out, int *restrict p) {
  *out = p;
}
CASE(restricted) {
  int x = 446;
  int *o;
  restrict_put(&o, &x);
  keep(o, 446);
}

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

CASE(wait_all) {
  mw_waitgroup_wait(&wg);
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
