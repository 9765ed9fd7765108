/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_integers.c -- addresses that leave their frame as an integer
 *
 * Cast, shifted, tagged, split into bytes and put together again: the integer carries the address.
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
