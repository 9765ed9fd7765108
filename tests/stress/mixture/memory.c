/* SPDX-License-Identifier: MIT */
/* tests/stress/mixture/memory.c -- the heap, deep and idle stacks, jumps, callbacks */
#include <setjmp.h>

#include "mixture.h"

/* ---- The heap -------------------------------------------------------------- */

typedef struct tree {
  struct tree *left, *right;
  uint64_t id;
} tree;

static tree *grow(uint64_t id, unsigned depth) {
  tree *t = mw_new(tree);
  t->id = id;
  if (depth) {
    t->left = grow(id * 2, depth - 1);
    t->right = grow(id * 2 + 1, depth - 1);
  }
  return t;
}
static unsigned count(const tree *t, uint64_t id) {
  if (!t) return 0;
  CHECK_EQ(t->id, id);
  return 1 + count(t->left, id * 2) + count(t->right, id * 2 + 1);
}

static tree *kept[64]; /* replaced one by one */
static mw_mutex kept_lock;

static void heap(rng *r) {
  unsigned depth = rng_below(r, 9);
  tree *t = grow(1, depth);
  unsigned i = rng_below(r, 64);
  mw_mutex_lock(&kept_lock);
  tree *old = kept[i];
  kept[i] = t;
  mw_mutex_unlock(&kept_lock);
  if (old) {
    unsigned n = count(old, 1);
    CHECK((n & (n + 1)) == 0);
  }
  CHECK_EQ(count(t, 1), (1u << (depth + 1)) - 1);
  char *text = mw_sprintf("%u %s", depth, "nodes"), *copy = mw_strdup(text);
  CHECK(strcmp(text, copy) == 0);
  uint64_t *words = mw_make(uint64_t, 10 + rng_below(r, 5000));
  for (int k = 0; k < 10; k++) CHECK_EQ(words[k], 0);
  words[0] = depth;
  words = mw_realloc(words, 60000);
  CHECK(words[0] == depth && words[7499] == 0);
}

static _Atomic int64_t finalizers, finalized, cleanups, cleaned;
static void finalize(void *p, void *arg) {
  node *n = p;
  CHECK(n->id == (uint64_t)(uintptr_t)arg && n->check == ~n->id);
  finalized++;
}
static void clean(void *arg) {
  check_nodes(arg, 5, 1);
  cleaned++;
}
__attribute__((noinline)) static mw_weak dies(uint64_t id) {
  node *n = make_nodes(id, 1);
  finalizers++;
  mw_set_finalizer(n, finalize, (void *)(uintptr_t)id);
  node *m = make_nodes(id, 2);
  cleanups++;
  mw_add_cleanup(m, clean, make_nodes(5, 1));
  return mw_weak_make(m);
}
static void ends_of_objects(rng *r) {
  node *lives = make_nodes(3, 2);
  mw_weak alive = mw_weak_make(lives), dead = dies(rng_below(r, 1000));
  mw_handle h = mw_handle_new(make_nodes(9, 3));
  mw_sleep(1000000);
  CHECK(mw_weak_get(alive) == lives);
  node *other = mw_weak_get(dead);
  if (other) check_nodes(other, other->id, 2);
  check_nodes(mw_handle_get(h), 9, 3);
  mw_handle_free(h);
  CHECK(finalized <= finalizers && cleaned <= cleanups);
  mw_keep_alive(lives);
}

static void *make_buffer(void) {
  uint64_t *b = mw_make(uint64_t, 100);
  b[0] = b[99] = 77;
  return b;
}
static mw_pool pool = {.make = make_buffer};
static void pools(rng *r) {
  uint64_t *b[8];
  for (int i = 0; i < 8; i++) {
    b[i] = mw_pool_get(&pool);
    CHECK(b[i][0] == 77 && b[i][99] == 77);
    b[i][0] = (uint64_t)i; /* nobody else has it */
  }
  if (rng_below(r, 4) == 0) mw_yield();
  for (int i = 0; i < 8; i++) {
    CHECK_EQ(b[i][0], i);
    b[i][0] = 77;
    mw_pool_put(&pool, b[i]);
  }
}

static void collections(rng *r) {
  switch (rng_below(r, 8)) {
  case 0: /* as gcstress does */
    for (int i = 0; i < 20; i++) mw_gc();
    break;
  case 1:
    mw_set_gc_percent(5 + (int)rng_below(r, 200));
    break;
  case 2:
    mw_set_memory_limit((INT64_C(64) + rng_below(r, 64)) << 20);
    mw_sleep(2000000);
    mw_set_memory_limit(INT64_MAX);
    break;
  case 3:
    mw_free_os_memory();
    break;
  default:
    mw_gc();
  }
  mw_sleep((int64_t)rng_below(r, 20) * 1000000);
}

/* ---- Deep stacks ------------------------------------------------------------- */

typedef struct dive {
  unsigned depth;
  uint64_t sum;
} dive;

__attribute__((noinline)) static uint64_t dig(uint64_t depth) {
  node *n = depth % 64 == 0 ? make_nodes(depth, 1) : NULL;
  volatile char frame[40];
  frame[depth % 40] = (char)depth;
  if (depth == 0) {
    mw_yield();
    return 0;
  }
  uint64_t below = dig(depth - 1);
  CHECK_EQ((unsigned char)frame[depth % 40], (unsigned char)depth);
  if (n) check_nodes(n, depth, 1);
  return below + depth;
}

/* Recursive through a pointer, with frames whose size only the run knows. */
typedef struct step step;
struct step {
  uint64_t (*next)(step *s, uint64_t depth);
};
static uint64_t hop(step *s, uint64_t depth) {
  size_t size = 16 + depth % 5 * 700;
  volatile char frame[size];
  frame[size - 1] = (char)depth;
  if (depth == 0) return 0;
  uint64_t below = s->next(s, depth - 1);
  CHECK_EQ((unsigned char)frame[size - 1], (unsigned char)depth);
  return below + depth;
}

static void dives(void *arg) {
  dive *d = arg;
  d->sum = dig(d->depth);
  step s = {hop};
  uint64_t n = d->depth / 10;
  CHECK_EQ(s.next(&s, n), n * (n + 1) / 2);
}
static void deep(rng *r) {
  dive *d = mw_new(dive);
  mw_waitgroup *all = mw_new(mw_waitgroup);
  d->depth = 100 + rng_below(r, 30000);
  spawn(all, dives, d);
  mw_waitgroup_wait(all);
  CHECK_EQ(d->sum, (uint64_t)d->depth * (d->depth + 1) / 2);
}

/* ---- Idle stacks, folded, and reached by others --------------------------------- */

typedef struct idler {
  mw_chan *ch;
  _Atomic uintptr_t cell;
  uint64_t got;
} idler;
static void idles(void *arg) {
  idler *i = arg;
  node *n = make_nodes(8, 3);
  i->got = cell_hold(&i->cell, i->ch);
  check_nodes(n, 8, 3);
}

static void idle(rng *r) {
  enum { N = 40 };
  idler *all = mw_make(idler, N);
  mw_waitgroup *wg = mw_new(mw_waitgroup);
  mw_chan *ch = mw_chan_make(char, 0);
  for (int i = 0; i < N; i++) {
    all[i].ch = ch;
    spawn(wg, idles, &all[i]);
  }
  for (int i = 0; i < N; i++)
    while (!all[i].cell) mw_yield();
  uint64_t wrote[N] = {0};
  for (unsigned k = 0, n = rng_below(r, 20); k < n; k++) {
    mw_sleep((int64_t)rng_below(r, 10) * 1000000);
    unsigned i = rng_below(r, N);
    if (rng_below(r, 2))
      plain_add(all[i].cell, 1);
    else
      ++*(volatile uint64_t *)(uintptr_t)all[i].cell;
    wrote[i]++;
  }
  mw_chan_close(ch);
  mw_waitgroup_wait(wg);
  for (int i = 0; i < N; i++) CHECK_EQ(all[i].got, wrote[i]);
}

/* ---- Jumps, callbacks ------------------------------------------------------------ */

__attribute__((noinline)) static void leaves(jmp_buf *to, int depth) {
  node *n = make_nodes((uint64_t)depth, 1);
  if (depth % 8 == 0) mw_yield();
  if (depth == 0) longjmp(*to, 5);
  leaves(to, depth - 1);
  check_nodes(n, 0, 1);
}
static void jumps(rng *r) {
  jmp_buf here;
  node *n = make_nodes(4, 6);
  int depth = 5 + (int)rng_below(r, 30), code = setjmp(here);
  if (code == 0) leaves(&here, depth);
  CHECK_EQ(code, 5);
  check_nodes(n, 4, 6);
}

static _Atomic unsigned compared;
static int by_id(const void *a, const void *b) {
  const node *const *p = a, *const *q = b;
  unsigned n = ++compared;
  CHECK((*p)->check == ~(*p)->id);
  if (n % 64 == 0) mw_sleep(10000);
  if (n % 128 == 0) check_nodes(make_nodes(2, 10), 2, 10);
  return ((*p)->id > (*q)->id) - ((*p)->id < (*q)->id);
}
static int calls_back(void *arg) {
  rng *r = arg;
  mw_chan *ch = mw_chan_make(int, 1);
  mw_chan_send(ch, (int)rng_below(r, 5));
  int got;
  mw_yield();
  CHECK(mw_chan_recv(ch, &got));
  return got;
}
static void callbacks(rng *r) {
  size_t n = 20 + rng_below(r, 200);
  node **list = mw_make(node *, n);
  for (size_t i = 0; i < n; i++) list[i] = make_nodes(rng_below(r, 10000), 1);
  plain_sort(list, n, sizeof *list, by_id);
  for (size_t i = 1; i < n; i++) CHECK(list[i - 1]->id <= list[i]->id);
  CHECK(plain_callback(calls_back, r) < 5);
  mw_thread_lock();
  plain_spin(rng_below(r, 300));
  mw_yield();
  mw_thread_unlock();
}

const part memory_parts[] = {{"heap", heap, 3},   {"ends of objects", ends_of_objects, 1},
                             {"pool", pools, 2},  {"collections", collections, 1},
                             {"deep", deep, 1},   {"idle", idle, 2},
                             {"jumps", jumps, 1}, {"callbacks", callbacks, 1},
                             {NULL, NULL, 0}};
