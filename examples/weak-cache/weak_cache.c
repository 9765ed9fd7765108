/* SPDX-License-Identifier: MIT */
/*
 * examples/weak-cache/weak_cache.c -- a cache that holds on to nothing
 *
 * Pictures are expensive to decode, so while any part of the program uses one,
 * everybody who asks for that name gets the same.  The cache refers to them
 * through weak pointers: it does not keep them alive.  A cleanup removes the
 * entry of a picture that has gone.
 */
#include <mallow.h>

#include <stdio.h>
#include <string.h>

typedef struct picture {
  const char *name;
  unsigned char pixels[64 * 1024];
} picture;

typedef struct entry {
  struct entry *next;
  const char *name;
  mw_weak picture;
} entry;

static entry *cache; /* under lock */
static mw_mutex lock;
static mw_cond gone;                 /* an entry was removed */
static int decoded, shared, removed; /* under lock */

static void forget(void *arg) { /* in the runtime's cleanup goroutine */
  const char *name = arg;
  mw_mutex_lock(&lock);
  for (entry **e = &cache; *e; e = &(*e)->next)
    if (strcmp((*e)->name, name) == 0 && !mw_weak_get((*e)->picture)) {
      *e = (*e)->next;
      removed++;
      mw_cond_signal(&gone);
      break;
    }
  mw_mutex_unlock(&lock);
}

static picture *decode(const char *name) {
  picture *p = mw_new(picture);
  p->name = name;
  memset(p->pixels, name[0], sizeof p->pixels);
  decoded++;
  return p;
}

static picture *load(const char *name) {
  mw_mutex_lock(&lock);
  picture *p = NULL;
  for (entry *e = cache; e && !p; e = e->next)
    if (strcmp(e->name, name) == 0) p = mw_weak_get(e->picture);
  if (p) {
    shared++;
  } else {
    p = decode(name);
    entry *e = mw_new(entry);
    *e = (entry){cache, name, mw_weak_make(p)};
    cache = e;
    mw_add_cleanup(p, forget, (void *)name);
  }
  mw_mutex_unlock(&lock);
  return p;
}

static picture *wall; /* a picture in use */

static void visitor(void *unused) {
  (void)unused;
  static const char *const names[] = {"apple", "birch", "cloud"};
  for (int i = 0; i < 3; i++) {
    picture *p = load(names[i]);
    if (i == 0) wall = p;
  }
}

/* Until the visitor is gone, and its stack with it: a collection takes a stack as it finds it,
 * with what is no longer needed there. */
static void visit(void) {
  mw_go(visitor, NULL);
  while (mw_num_goroutine() > 1) mw_yield();
}

int main(void) {
  visit();
  visit();
  printf("two visitors: %d decoded, %d shared\n", decoded, shared);
  mw_gc();
  mw_mutex_lock(&lock); /* the cleanups run in a goroutine of their own */
  while (removed < 2) mw_cond_wait(&gone, &lock);
  int n = 0;
  for (entry *e = cache; e; e = e->next) n++;
  printf("after a collection: %d left, %d removed; the one on the wall is \"%s\"\n", n, removed,
         wall->name);
  mw_mutex_unlock(&lock);
  visit();
  printf("a third visitor: %d decoded in all\n", decoded);
}
