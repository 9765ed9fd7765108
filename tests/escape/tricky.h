/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky.h -- what the parts of the test `tricky` share
 *
 * keep(p, want): p is read again when every frame is gone, the stack has been
 * overwritten and garbage collected; then it has to hold `want`, and to share
 * its place with no other.
 */
#ifndef TRICKY_H
#define TRICKY_H
#include <mallow.h>
#include <stddef.h>
#include <stdint.h>
#define NOINLINE __attribute__((noinline))
void keep_named(int *p, int want, const char *name, int line);
#define keep(p, want) keep_named((p), (want), __func__, __LINE__)
/* A case, which tricky_main.c finds in the section. */
#define CASE(name)                                                                                 \
  static NOINLINE void name(void);                                                                 \
  static void (*const run_##name)(void) __attribute__((used, section("cases"))) = name;            \
  static NOINLINE void name(void)
extern int zero; /* 0, which the compiler does not know */
struct box {
  int *p;
  long n;
};
struct big {
  long a[6];
  int *p;
  long b[3];
};
struct link {
  struct link *up;
  int v;
};
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
/* of tricky_plain.c, which plain clang compiles */
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
/* of tricky_other.c */
void other_put(int *);
int *other_get(void);
int *other_same(int *);
void other_store(int **, int *);
#endif
