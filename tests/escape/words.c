/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/words.c -- the functions of words.go in C; words.sh compares all that is said of
 * them
 */
#include <mallow.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct T {
  int v;
  struct T *next;
  int *ptr;
} T;
typedef struct {
  int *a, *b;
} P;
typedef struct {
  void (*run)(int *, T *);
  T *arg;
} H;
typedef struct {
  int **at;
  size_t len;
} S; /* a slice of pointers */

T *gT;
int *gp, **gpp, *ga[4], gi;
H gh;
mw_chan *gc;

/* 1: two results, each a parameter's */
P f1(int *a1, int *b1) {
  return (P){b1, a1};
}

/* 2: one of the two results is kept */
int f2(int k) {
  int x2 = k, y2 = k;
  P r = f1(&x2, &y2);
  gp = r.a;
  return *r.b;
}

/* 3: a table of functions, found in a parameter */
void f3(H *h3, int k) {
  int x3 = k;
  h3->run(&x3, h3->arg);
}

/* 4: a function that reads */
void reads4(int *p4, T *t4) {
  gi += *p4 + t4->v;
}
int f4(int k) {
  int x4 = k;
  T t4b = {.v = k};
  reads4(&x4, &t4b);
  return x4;
}

/* 5: the length of a list, and its last element */
int f5(T *l5) {
  int n = 0;
  for (; l5; l5 = l5->next) n++;
  return n;
}
T *f6(T *l6) {
  while (l6->next) l6 = l6->next;
  return l6;
}

/* 7: a list of the frame's own, built in a loop, that stays; and one that does not */
int f7(int n) {
  T *l7 = NULL;
  for (int i = 0; i < n; i++) {
    T *e7 = mw_new(T);
    e7->next = l7;
    l7 = e7;
  }
  return f5(l7);
}
void f8(int n) {
  for (int i = 0; i < n; i++) {
    T *e8 = mw_new(T);
    e8->next = gT;
    gT = e8;
  }
}

/* 9: an array of pointers, a slice of it */
int f9(int k) {
  int x9 = k, y9 = k;
  int *a9[2] = {&x9, &y9};
  int **s = a9;
  return *s[k & 1];
}
int *f10(int **s10, int k) {
  return s10[k & 3];
}
void f11(int **s11, int k) {
  int x11 = k;
  s11[0] = &x11;
}
int *f12(int *s12) {
  return s12 + 1;
}

/* 13: a value copied out, through two pointers */
T f13(T **p13) {
  return **p13;
}
void f14(T **p14) {
  gT = *p14;
}
void f15(T **p15) {
  gp = (*p15)->ptr;
}
void f16(T **p16, T **q16) {
  *p16 = *q16;
}

/* 17: an element's and a field's address */
int *f17(T *t17) {
  return &t17->v;
}
int *f18(T *s18, int i) {
  return &s18[i].v;
}
int *f19(int k) {
  T t19 = {.v = k};
  return &t19.v;
}

/* 20: struct by value, with pointers */
int f20(P p20) {
  return *p20.a + *p20.b;
}
int *f21(P p21) {
  return p21.b;
}
void f22(P p22) {
  gp = p22.a;
}

/* 23: on one way only */
int f23(bool c, int k) {
  int x23 = k;
  if (c) gp = &x23;
  return x23;
}

/* 24: assigned and overwritten before it can be seen */
int f24(int k) {
  int x24 = k, y24 = k;
  int *p = &x24;
  p = &y24;
  return *p;
}

/* 25: sent, received */
void f25(T *t25) {
  mw_chan_send(gc, t25);
}
void f26(int k) {
  T t26 = {.v = k};
  mw_chan_send(gc, &t26);
}
int f27(void) {
  T *t;
  mw_chan_recv(gc, &t);
  return t->v;
}

/* 28: goroutines */
void work28(void *t28) {
  ((T *)t28)->v++;
}
void f28(int k) {
  T t28b = {.v = k};
  mw_go(work28, &t28b);
}

/* 29: recursion over a tree that is handed down */
int f29(T *t29, int d) {
  if (d == 0) return t29->v;
  T u29 = {.next = t29};
  return f29(&u29, d - 1);
}

/* 30: ... that keeps what it is handed in the end */
void f30(T *t30, int d) {
  if (d == 0) {
    gT = t30;
    return;
  }
  f30(t30, d - 1);
}

/* 31: a parameter reassigned; a parameter's address */
int f31(int *p31, int k) {
  int x31 = k;
  if (k > 3) p31 = &x31;
  return *p31;
}
int **f32(int *p32) {
  return &p32;
}
int f33(int *p33) {
  int **q = &p33;
  return **q;
}

/* 34: in a struct in a struct */
typedef struct {
  struct {
    T *t;
  } in;
} D;
T *f34(D *d34) {
  return d34->in.t;
}
int f35(int k) {
  T t35 = {.v = k};
  D d35 = {0};
  d35.in.t = &t35;
  return f34(&d35)->v;
}

/* 36: a global struct's field; a global array's element */
void f36(T *p36) {
  gh.arg = p36;
}
void f37(int *p37) {
  ga[1] = p37;
}
void f38(int k) {
  int x38 = k;
  gpp = &ga[k & 3];
  *gpp = &x38;
}

/* 39: big ones, and of unknown size */
int f39(int k) {
  int *a39 = mw_make(int, 116000);
  a39[k & 7] = k;
  return a39[0];
}
int f40(int k) {
  int *a40 = mw_make(int, 16000);
  a40[k & 7] = k;
  return a40[0];
}

/* 41: a method's receiver that is kept, and one that is returned */
void keep(T *t41) {
  gT = t41;
}
T *same(T *t42) {
  return t42;
}
int sum(T *t43) {
  return t43->v + t43->next->v;
}
int f43(int k) {
  T a43 = {.v = k}, b43 = {.v = k}, c43 = {.v = k};
  keep(&a43);
  c43.next = &c43;
  return same(&b43)->v + sum(&c43);
}
