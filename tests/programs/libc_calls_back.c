/* SPDX-License-Identifier: MIT */
/*
 * tests/programs/libc_calls_back.c -- libc calls back: qsort, qsort_r, bsearch, tsearch, twalk,
 * hsearch, lfind
 *
 * The functions that it calls allocate, collect and yield, on main and on a goroutine.
 */
#define _GNU_SOURCE 1
#include <search.h>

#include "program.h"

static bool few; /* an argument was given: less of all, for gcstress */

typedef struct record {
  char *name;
  long n;
  struct record *twin;
} record;
static long calls;
static int byname(const void *a, const void *b) {
  const record *const *x = a, *const *y = b;
  if (++calls % 16 == 0) {
    char *t = mw_sprintf("%s-%s", (*x)->name, (*y)->name);
    CHECK(strchr(t, '-'));
  }
  return strcmp((*x)->name, (*y)->name);
}

static int byval(const void *a, const void *b) {
  const record *x = a, *y = b;
  if (++calls % 64 == 0) mw_gc();
  return (x->n > y->n) - (x->n < y->n);
}

static int byval_r(const void *a, const void *b, void *p) {
  *(long *)p += 1;
  if (*(long *)p % 100 == 0) {
    mw_yield();
    mw_alloc(100);
  }
  return -byval(a, b);
}

static int ptrcmp(const void *a, const void *b) {
  const record *x = a, *y = b;
  return strcmp(x->name, y->name);
}

static long seen;
static void walk(const void *n, VISIT v, int d) {
  (void)d;
  if (v == postorder || v == leaf) {
    record *r = *(record *const *)n;
    CHECK(r->twin->n == r->n);
    seen++;
    mw_alloc_noscan(64);
  }
}

static void run(void *finished) {
  long N = few ? 60 : 3000;
  record **v = mw_make(record *, N);
  record *s = mw_make(record, N);
  uint64_t x = 11;
  for (long i = 0; i < N; i++) {
    v[i] = mw_new(record);
    v[i]->n = (long)(next_random(&x) % 100000);
    v[i]->name = mw_sprintf("r%06ld.%ld", v[i]->n, i);
    v[i]->twin = mw_new(record);
    v[i]->twin->n = v[i]->n;
    s[i] = *v[i];
  }
  qsort(v, (size_t)N, sizeof *v, byname);
  for (long i = 1; i < N; i++) CHECK(strcmp(v[i - 1]->name, v[i]->name) < 0);
  qsort(s, (size_t)N, sizeof *s, byval);
  for (long i = 0; i < N; i++) {
    CHECK(s[i].twin->n == s[i].n && atol(s[i].name + 1) == s[i].n);
    if (i) CHECK(s[i - 1].n <= s[i].n);
  }
  long c = 0;
  qsort_r(s, (size_t)N, sizeof *s, byval_r, &c);
  for (long i = 0; i < N; i++) {
    CHECK(s[i].twin->n == s[i].n);
    if (i) CHECK(s[i - 1].n >= s[i].n);
  }
  CHECK(c > 0);
  for (long i = 0; i < N; i += 3) {
    record k = {.name = v[i]->name}, *kp = &k;
    record **f = bsearch(&kp, v, (size_t)N, sizeof *v, byname);
    CHECK(f && *f == v[i]);
  }
  void *root = NULL;
  mw_root_add(&root, sizeof root);
  for (long i = 0; i < N; i++) {
    record **f = tsearch(v[i], &root, ptrcmp);
    CHECK(f && *f == v[i]);
  } /* nodes are libc's; v keeps the records */
  for (long i = 0; i < N; i++) CHECK(*(record **)tfind(v[i], &root, ptrcmp) == v[i]);
  seen = 0;
  twalk(root, walk);
  CHECK(seen == N);
  for (long i = 0; i < N; i++) tdelete(v[i], &root, ptrcmp);
  CHECK(!root);
  mw_root_remove(&root);
  struct hsearch_data h = {0};
  hcreate_r((size_t)N * 2, &h);
  for (long i = 0; i < N; i++) {
    ENTRY e = {v[i]->name, v[i]}, *r;
    CHECK(hsearch_r(e, ENTER, &r, &h));
  }
  for (long i = 0; i < N; i++) {
    ENTRY e = {v[i]->name, NULL}, *r;
    CHECK(hsearch_r(e, FIND, &r, &h) && r->data == v[i]);
  }
  hdestroy_r(&h);
  size_t n = (size_t)N;
  record key = *s;
  CHECK(lfind(&key, s, &n, sizeof *s, byval) == s);
  mw_waitgroup_done(finished);
}

int main(int argc, char **argv) {
  (void)argv;
  few = argc > 1;
  static mw_waitgroup done;
  mw_waitgroup_add(&done, 1);
  run(&done);
  seen = 0;
  mw_waitgroup_add(&done, 1);
  mw_go(run, &done);
  mw_waitgroup_wait(&done);
  printf("ok\n");
  return 0;
}
