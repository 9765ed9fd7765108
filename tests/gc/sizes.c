/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/sizes.c -- allocations whose size the program computes
 *
 * Every size up to where objects are large, of each kind, on several goroutines with collections
 * beside them: objects are zero, aligned, do not overlap, and keep what they hold; what is scanned
 * keeps others alive.  The kinds differ by the way that gc/alloc.c takes: tiny, small, large;
 * without pointers, every word, a pointer's array, a mask.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 512, LIMIT = 40000 };

typedef struct pair {
  long *p;
  long n;
} pair;
typedef struct text {
  struct text *next;
  size_t n;
  char s[];
} text;
typedef struct kept {
  unsigned char *p;
  size_t n;
  int kind;
} kept;

static size_t rounds = 60000;
static mw_waitgroup done;

static uint64_t next(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}
static void fail(const char *what, const kept *k) {
  printf("FAIL: %s: %zu bytes of kind %d\n", what, k->n, k->kind);
  exit(1);
}

/* In a scanned object the first word points to a number: its size. */
static long *number(size_t n) {
  long *p = mw_new(long);
  *p = (long)n;
  return p;
}
static void fill(const kept *k, size_t from) {
  for (size_t i = from; i < k->n; i++) k->p[i] = (unsigned char)(k->n * 7 + i + (unsigned)k->kind);
}
static void check(const kept *k) {
  size_t from = 0;
  if (!k->p) return;
  if (k->kind) {
    from = sizeof(long *);
    if (k->n >= from && **(long **)(void *)k->p != (long)k->n) fail("lost what it points to", k);
  }
  for (size_t i = from; i < k->n; i++)
    if (k->p[i] != (unsigned char)(k->n * 7 + i + (unsigned)k->kind)) fail("overwritten", k);
}

static kept make(uint64_t r) {
  kept k = {.kind = (int)(r % 5), .n = (r >> 8) % 16 ? (r >> 16) % 600 : (r >> 16) % LIMIT};
  uintptr_t align = 16;
  switch (k.kind) {
  case 0:
    k.p = (unsigned char *)mw_alloc_noscan(k.n);
    align = k.n ? k.n & -k.n : 1;
    if (align > 16) align = 16;
    break;
  case 1:
    k.p = mw_alloc(k.n);
    break;
  case 2:
    k.n = k.n / sizeof(long *) * sizeof(long *);
    k.p = (unsigned char *)mw_make(long *, k.n / sizeof(long *));
    align = 8;
    break;
  case 3:
    k.n = k.n / sizeof(pair) * sizeof(pair);
    k.p = (unsigned char *)mw_make(pair, k.n / sizeof(pair));
    align = 8;
    break;
  default:
    k.p = (unsigned char *)mw_new_flex(text, s, k.n);
    k.n += sizeof(text);
    align = 8;
    break;
  }
  if ((uintptr_t)k.p % align) fail("misaligned", &k);
  for (size_t i = 0; i < k.n; i++)
    if (k.p[i]) fail("not zero", &k);
  if (k.kind && k.n >= sizeof(long *)) {
    *(long **)(void *)k.p = number(k.n);
    fill(&k, sizeof(long *));
  } else if (!k.kind) {
    fill(&k, 0);
  } else {
    k.n = 0;
  }
  return k;
}

static void work(void *arg) {
  uint64_t s = 88172645463325252u + (uintptr_t)arg * 7919;
  kept *all = mw_make(kept, KEPT);
  for (size_t i = 0; i < rounds; i++) {
    uint64_t r = next(&s);
    kept *k = &all[r % KEPT];
    check(k);
    *k = make(next(&s));
  }
  for (size_t i = 0; i < KEPT; i++) check(&all[i]);
  mw_waitgroup_done(&done);
}

int main(void) {
  /* each size once, from the first on */
  for (size_t n = 0; n < LIMIT; n += n < 4200 ? 1 : 61)
    for (int kind = 0; kind < 2; kind++) {
      kept k = {.n = n, .kind = kind, .p = kind ? mw_alloc(n) : mw_alloc_noscan(n)};
      for (size_t i = 0; i < n; i++)
        if (k.p[i]) fail("not zero", &k);
      memset(k.p, 0xee, n);
    }
  for (uintptr_t i = 0; i < 3; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(work, (void *)i);
  }
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
