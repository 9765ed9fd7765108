/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_outside.c -- addresses that leave their frame to code outside the file
 *
 * The runtime (goroutines, channels, finalizers), libc functions that keep what they get, other
 * files, weak functions and aliases. Each CASE gives the address to keep() (tricky.h), which reads
 * it again when the frame is gone.
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

static int *g;

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
static NOINLINE int *same(int *p) {
  return p;
}
CASE(called_by_other_type) {
  int x = 444;
  int *(*volatile f)(void *) = (int *(*)(void *))same;
  keep(f(&x), 444);
  int y = 277;
  keep(((int *(*)(long))same)((long)&y), 277);
}
static int *np;
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

/* the goroutines of the cases above */
CASE(wait_all) {
  mw_waitgroup_wait(&wg);
}
