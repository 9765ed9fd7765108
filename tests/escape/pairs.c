/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/pairs.c -- the functions of pairs.go in C, with the same flow of data
 *
 * pairs.sh compares which variables move; they have the same names in both.
 */
#include <mallow.h>
#include <string.h>
struct n {
  struct n *next;
  int v;
  int *p;
};
struct w {
  int *p;
  int k;
};
int *gp;
struct n *gn;
volatile int vol;
static int use(int *p) {
  return *p + 1;
}
static int *id(int *p) {
  return p;
}
static int down(int *p, int d) {
  int x10 = *p;
  if (d == 0) return x10;
  return down(&x10, d - 1);
}
static int odd(int *p, int d);
static int even(int *p, int d) {
  int x11 = *p + 1;
  return d == 0 ? x11 : odd(&x11, d - 1);
}
static int odd(int *p, int d) {
  int y11 = *p + 2;
  return d == 0 ? y11 : even(&y11, d - 1);
}
struct w f1(int k) {
  int x1 = k;
  struct w s = {&x1, 0};
  return s;
}
int f2(int k) {
  int x2 = k, y2 = 2;
  int *a[2] = {&x2, &y2};
  return *a[0] + *a[1];
}
int f3(int k) {
  int x3 = k, y3 = 2;
  int *a[4];
  for (int i = 0; i < 4; i++) a[i] = i & 1 ? &x3 : &y3;
  return *a[k & 3];
}
int f4(int k) {
  int x4 = k;
  int **s = mw_make(int *, 4);
  s[k & 3] = &x4;
  return *s[k & 3];
}
int f5(int k) {
  struct n a5 = {0, k, 0}, b5 = {&a5, 2, 0};
  int t = 0;
  for (struct n *p = &b5; p; p = p->next) t += p->v;
  return t;
}
int *f6(int k) {
  int x6 = k;
  int *p = 0, **pp = &p;
  *pp = &x6;
  return *pp;
}
int f7(int k) {
  int x7 = k;
  int *p7 = 0, **pp = &p7;
  *pp = &x7;
  return **pp;
}
int f8(int (*f)(int *), int k) {
  int x8 = k;
  return f(&x8);
}
int f9(int k) {
  int x9 = k;
  return use(&x9);
}
int f10(int k) {
  int z10 = k;
  return down(&z10, 3);
}
int f11(int k) {
  int z11 = k;
  return even(&z11, 3);
}
int f12(int k) {
  int x12 = k;
  int *p = id(&x12);
  return *p;
}
int *f13(int k) {
  int x13 = k;
  return id(&x13);
}
static void swap(int **a, int **b) {
  int *t = *a;
  *a = *b;
  *b = t;
}
int f14(int k) {
  int x14 = k, y14 = 2;
  int *p14 = &x14, *q14 = &y14;
  swap(&p14, &q14);
  return *p14;
}
int f15(int n) {
  int *p = 0;
  for (int i = 0; i < n; i++) {
    int x15 = i;
    if (p) x15 += *p;
    p = &x15;
  }
  return p ? *p : 0;
}
int f16(int n) {
  struct n *l = 0;
  for (int i = 0; i < n; i++) {
    struct n *e = mw_new(struct n);
    e->next = l;
    l = e;
  }
  return l ? l->v : 0;
}
static void worker(void *p) {
  *(int *)p = 1;
}
void f17(int k) {
  int x17 = k;
  mw_go(worker, &x17);
}
void f18(mw_chan *c, int k) {
  int x18 = k;
  mw_chan_send(c, &x18);
}
int f19(mw_chan *c) {
  int x19 = 0;
  mw_chan_recv(c, &x19);
  return x19;
}
void f20(struct w *o, int k) {
  int x20 = k;
  struct w s = {&x20, 1};
  memcpy(o, &s, sizeof s);
}
int f21(int k) {
  int x21 = k;
  struct w s = {&x21, 1}, t;
  memcpy(&t, &s, sizeof t);
  return *t.p;
}
int f22(size_t n) {
  char *b = mw_make(char, n);
  b[0] = 1;
  return b[n - 1];
}
int f23(int k) {
  char x23[200000];
  x23[k] = 1;
  return x23[k + vol];
}
int f25(const char *s) {
  char b25[64];
  size_t n = strlen(s);
  memcpy(b25, s, n < 64 ? n : 64);
  return b25[vol & 63];
}
void f27(struct n *p27) {
  gn = p27->next;
}
struct n *f28(struct n *p28) {
  return p28->next;
}
int f29(int c, int k) {
  int x29 = k;
  if (c) gp = &x29;
  return x29;
}
int f30(int c) {
  int x30 = 1, y30 = 2;
  int *q = c ? &x30 : &y30;
  *q = 3;
  return x30 + y30;
}
int *f31(int c, int *p31, int *q31) {
  return c ? p31 : q31;
}
struct ops {
  int (*run)(void *self);
};
int f32(const struct ops *o, int k) {
  int x32 = k;
  return o->run(&x32);
}
struct box {
  struct n *first;
  int *cnt;
};
static void box_add(struct box *b, struct n *e) {
  e->next = b->first;
  b->first = e;
}
int f33(int k) {
  struct box b33 = {0, 0};
  struct n e33 = {0, k, 0};
  box_add(&b33, &e33);
  return b33.first->v;
}
int f34(int k) {
  struct box *b34 = mw_new(struct box);
  int x34 = k;
  b34->cnt = &x34;
  return *b34->cnt;
}
static void fill(struct w *o, int *v) {
  o->p = v;
}
int f35(int k) {
  struct w s35;
  int x35 = k;
  fill(&s35, &x35);
  return *s35.p;
}
static int *pick(struct w *o) {
  return o->p;
}
int *f36(int *p36) {
  struct w s36 = {p36, 0};
  return pick(&s36);
}
int f37(int k) {
  int x37 = k;
  struct n *e = mw_new(struct n);
  e->p = &x37;
  gn = e;
  return x37;
}
struct deep {
  struct w w;
  struct n n;
};
int f38(int k) {
  struct deep d38;
  int x38 = k;
  d38.n.p = &x38;
  d38.w.p = 0;
  gp = d38.w.p;
  return *d38.n.p;
}
int f39(int n) {
  int t = 0;
  for (int i = 0; i < n; i++) {
    struct n *e39 = mw_new(struct n);
    e39->v = i;
    t += e39->v;
  }
  return t;
}
int f40(int k) {
  int *p40 = mw_new(int);
  *p40 = k;
  int *q = p40;
  return *q;
}
