/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_control.c -- addresses that leave their frame on some way through a function
 *
 * Conditions, loops, gotos and early returns: the address leaves on one way only, or in a later
 * turn. Each CASE gives the address to keep() (tricky.h), which reads it again when the frame is
 * gone.
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
