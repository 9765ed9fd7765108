/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/constructs.c -- addresses that leave their frames by way of what C and its compilers
 * have
 *
 * Each is read when the frame is gone; see constructs.sh.
 */
#define _GNU_SOURCE
#include <mallow.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define N __attribute__((noinline))
static int *kept[100], want[100], n;
static N void keep(int *p, int w) {
  kept[n] = p;
  want[n++] = w;
}
static N void smash(int d) {
  volatile unsigned junk[256]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 256; i++) junk[i] = 0x5a5a5a5a;
  if (d) smash(d - 1);
  (void)junk[0]; /* no tail call: a frame each */
}
static int *g;
static _Thread_local int *tl;
static _Thread_local struct {
  int *p;
} tls;
// _Generic
#define HOLD(x) _Generic((x), int *: keep_i, long *: keep_l)(x)
static N void keep_i(int *p) {
  keep(p, *p);
}
static N void keep_l(long *p) {
  keep((int *)p, (int)*p);
}
static N void t_generic(void) {
  int a = 11;
  long b = 12;
  HOLD(&a);
  HOLD(&b);
  int c = 13;
  int *p = _Generic(c, int: &c, default: (int *)0);
  keep(p, 13);
}
// computed goto
static N void t_goto(int k) {
  static void *l[] = {&&a, &&b};
  int x = 21;
  int *p = 0;
  goto *l[k & 1];
a:
  p = &x;
b:
  if (!p) p = &x;
  keep(p, 21);
}
// VLA of pointers; flexible array
struct flex {
  int len;
  int *p[];
};
static N void t_vla(int k) {
  int x = 31;
  int *v[k];
  v[k - 1] = &x;
  keep(v[k - 1], 31);
  struct flex *f = malloc(sizeof *f + 2 * sizeof(int *));
  int y = 32;
  f->p[1] = &y;
  g = f->p[1];
  keep(g, 32);
  free(f);
  struct flex *h = mw_new_flex(struct flex, p, 3);
  int z = 33;
  h->p[2] = &z;
  keep(h->p[2], 33);
}
// literal in loops
static N void t_literal(void) {
  int *a[3], i;
  for (i = 0; i < 3; i++) a[i] = (int[]){41 + i, 2};
  for (i = 0; i < 3; i++) keep(a[i], 41 + i);
  int *b = 0;
  i = 0;
again:
  b = &(int){44};
  if (i++ < 1) goto again;
  keep(b, 44);
}
// cleanup attribute
static void tidy(int **p) {
  g = *p;
}
static N void t_cleanup(void) {
  int x = 51;
  {
    __attribute__((cleanup(tidy))) int *p = &x;
  }
  keep(g, 51);
  {
    __attribute__((cleanup(keep_i))) int y = 52;
  }
}
// va_list passed on, va_arg of struct
struct two {
  int *a;
  long b, c;
};
static N int *va2(va_list ap) {
  return va_arg(ap, struct two).a;
}
static N int *va1(int k, ...) {
  va_list ap;
  va_start(ap, k);
  int *p = va2(ap);
  va_end(ap);
  return p;
}
static N void t_va(void) {
  int x = 61;
  struct two t = {&x, 1, 2};
  keep(va1(1, t), 61);
}
// setjmp: a variable changed after setjmp
static jmp_buf jb;
static N void t_jmp(void) {
  volatile int x = 71;
  int *volatile p = 0;
  if (!setjmp(jb)) {
    p = (int *)&x;
    x = 72;
    longjmp(jb, 1);
  }
  keep(p, 72);
}
// asm
static N void t_asm(void) {
  int x = 81;
  int *p;
  __asm__("lea %1, %0" : "=r"(p) : "m"(x));
  keep(p, 81);
  int y = 82;
  int *q = &y, *r;
  __asm__ volatile("mov %1, %0" : "=m"(g) : "r"(q));
  keep(g, 82);
  int z = 83;
  r = &z;
  __asm__ volatile("xchg %0, %1" : "+r"(r), "+m"(g));
  keep(g, 83);
  int w = 84;
  uintptr_t u = (uintptr_t)&w;
  __asm__("" : "+r"(u));
  keep((int *)u, 84);
  int v = 85;
  __asm__ volatile("movq %0, %1" : : "r"(&v), "m"(g) : "memory");
  keep(g, 85);
}
// atomics
static _Atomic(int *) ap;
static atomic_uintptr_t au;
static N void t_atomic(void) {
  int x = 91;
  atomic_store(&ap, &x);
  keep(atomic_load(&ap), 91);
  int y = 92;
  int *o = &x;
  atomic_compare_exchange_strong(&ap, &o, &y);
  keep(atomic_load(&ap), 92);
  int z = 93;
  atomic_store(&au, 0);
  atomic_fetch_or(&au, (uintptr_t)&z);
  keep((int *)atomic_load(&au), 93);
  int w = 94;
  atomic_store(&au, 0);
  atomic_fetch_add_explicit(&au, (uintptr_t)&w, memory_order_relaxed);
  keep((int *)atomic_load(&au), 94);
  int v = 95;
  __atomic_exchange_n(&g, &v, __ATOMIC_SEQ_CST);
  keep(g, 95);
}
// signal handler: sees a local by a global, keeps it
static int *volatile hp;
static void handler(int s) {
  g = hp;
  (void)s;
}
static N void t_signal(void) {
  signal(SIGUSR1, handler);
  int x = 101;
  hp = &x;
  raise(SIGUSR1);
  keep(g, 101);
  struct sigevent e = {0};
  int y = 102;
  e.sigev_value.sival_ptr = &y;
  g = e.sigev_value.sival_ptr;
  keep(g, 102);
}
// thread locals
static N void t_tls(void) {
  int x = 111;
  tl = &x;
  keep(tl, 111);
  int y = 112;
  tls.p = &y;
  keep(tls.p, 112);
}
// constructor
static int *ctor_kept;
__attribute__((constructor)) static void ctor(void) {
  int x = 121;
  ctor_kept = &x;
  int y = 122;
  static int *s;
  s = &y;
  g = s;
}
// aliases, ifunc
N void real(int *p) {
  keep(p, *p);
}
void alias_of(int *) __attribute__((alias("real")));
void weak_of(int *) __attribute__((weak, alias("real")));
N void if_impl(int *p) {
  keep(p, *p);
}
static void *pick(void) {
  return (void *)if_impl;
}
#ifndef NO_IFUNC
void by_ifunc(int *) __attribute__((ifunc("pick")));
#else
static void by_ifunc(int *p) {
  keep(p, *p);
}
#endif
static N void t_alias(void) {
  int x = 131;
  alias_of(&x);
  int y = 132;
  weak_of(&y);
  int z = 133;
  by_ifunc(&z);
}
// inline, C99 inline with extern
inline int *c99(int *p) {
  return p;
}
extern inline int *c99(int *p);
static N void t_inline(void) {
  int x = 141;
  keep(c99(&x), 141);
}
// bit-fields, unions, packed, arrays of arrays
struct pk {
  char c;
  int *p;
};
union un {
  int *p;
  char b[8];
};
static N void t_packed(void) {
  int x = 151;
  struct pk k = {1, &x};
  struct pk l = k;
  keep(l.p, 151);
  int y = 152;
  union un u = {.p = &y}, w;
  for (int i = 0; i < 8; i++) w.b[i] = u.b[i];
  keep(w.p, 152);
  int z = 153;
  int *m[2][3] = {{0}};
  m[1][2] = &z;
  int *(*r)[3] = &m[1];
  keep((*r)[2], 153);
}
// _Complex, __int128, vectors
typedef uintptr_t vec __attribute__((vector_size(32)));
static N void t_wide(void) {
  int x = 161;
  unsigned __int128 w = (unsigned __int128)(uintptr_t)&x << 64;
  keep((int *)(uintptr_t)(w >> 64), 161);
  int y = 162;
  vec v = {0};
  v[2] = (uintptr_t)&y;
  vec s = __builtin_shufflevector(v, v, 2, 1, 0, 3);
  keep((int *)s[0], 162);
  int z = 163;
  _BitInt(128) b = (_BitInt(128))(uintptr_t)&z << 3;
  keep((int *)(uintptr_t)(b >> 3), 163);
  int q = 164;
  uintptr_t rot = __builtin_rotateleft64((uintptr_t)&q, 13);
  keep((int *)__builtin_rotateright64(rot, 13), 164);
  int bs = 165;
  uintptr_t sw = __builtin_bswap64((uintptr_t)&bs);
  keep((int *)__builtin_bswap64(sw), 165);
  int rv = 166;
  uintptr_t br = __builtin_bitreverse64((uintptr_t)&rv);
  keep((int *)__builtin_bitreverse64(br), 166);
  long double ld;
  int f = 167;
  int *pf = &f;
  memcpy(&ld, &pf, 8);
  int *pg;
  memcpy(&pg, &ld, 8);
  keep(pg, 167);
}
int main(void) {
  t_generic();
  t_goto(0);
  t_goto(1);
  t_vla(3);
  t_literal();
  t_cleanup();
  t_va();
  t_jmp();
  t_asm();
  t_atomic();
  t_signal();
  t_tls();
  keep(ctor_kept, 121);
  t_alias();
  t_inline();
  t_packed();
  t_wide();
  smash(30);
  mw_gc();
  smash(30);
  int bad = 0;
  for (int i = 0; i < n; i++)
    if (*kept[i] != want[i]) {
      printf("%d: %d, not %d\n", i, *kept[i], want[i]);
      bad++;
    } else
      *kept[i] = -i;
  for (int i = 0; i < n; i++)
    if (*kept[i] != -i && !bad) {
      printf("%d shared\n", i);
      bad = 1;
    }
  printf("%d kept, %d bad\n", n, bad);
  return bad != 0;
}
