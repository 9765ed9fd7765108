/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/roots.c -- what keeps objects outside of stacks and the heap
 *
 *     roots [MISUSE]
 *
 * Handles, added roots, globals and thread-locals (the program's own, in
 * threads that the runtime has not made) each hold the only pointer to an
 * object through collections that clobber what they free; let go, the object
 * dies.  With an argument: one way to misuse the interface, which is fatal.
 */
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct object {
  struct object *self;
  unsigned long check;
} object;

static object *global;
static _Thread_local object *local;
static void **outside;

static __attribute__((noinline)) object *make(void) {
  object *o = mw_new(object);
  o->self = o;
  o->check = 815;
  return o;
}
static __attribute__((noinline)) void alive(const char *who, const object *o) {
  if (o->self == o && o->check == 815) return;
  printf("FAIL: %s lost its object\n", who);
  exit(1);
}
static __attribute__((noinline)) void wipe(void) {
  volatile unsigned long old[1024]; /* a memset would be taken away */
  for (int i = 0; i < 1024; i++) old[i] = 0;
}
static void collect(void) {
  wipe();
  mw_gc();
  mw_gc();
}

static __attribute__((noinline)) void set_local(void) {
  local = make();
}
static void *thread(void *arg) {
  (void)arg;
  set_local();
  for (int i = 0; i < 10; i++) {
    collect();
    alive("a thread-local of a pthread", local);
  }
  return NULL;
}

static __attribute__((noinline)) mw_handle handle_of_new(void) {
  return mw_handle_new(make());
}

/* The block of a thread of the program's own lies at the top of its stack, and is scanned with
 * that; these are the runtime's threads, which nobody scans but for their thread-locals. */
static mw_waitgroup locked;
static void goroutine(void *arg) {
  (void)arg;
  mw_thread_lock();
  set_local();
  for (int i = 0; i < 10; i++) {
    collect();
    mw_sleep(100000);
    alive("a thread-local of a goroutine that keeps its thread", local);
  }
  mw_waitgroup_done(&locked);
}

static void handles(void) {
  enum { N = 3000 };
  mw_handle *h = malloc(N * sizeof *h);
  for (int i = 0; i < N; i++) h[i] = handle_of_new();
  collect();
  for (int round = 0; round < 5; round++) {
    for (int i = round; i < N; i += 3) mw_handle_free(h[i]);
    for (int i = round; i < N; i += 3) {
      mw_handle old = h[i];
      h[i] = handle_of_new();
      if (h[i] == old || !h[i]) puts("FAIL: a handle was given twice"), exit(1);
    }
    collect();
    for (int i = 0; i < N; i++) alive("a handle", mw_handle_get(h[i]));
  }
  for (int i = 0; i < N; i++) mw_handle_free(h[i]);
  free(h);
}

static void misuse(const char *what) {
  mw_handle h = mw_handle_new(make());
  char *p = mw_alloc(100);
  if (strcmp(what, "handle-freed") == 0) {
    mw_handle_free(h);
    mw_handle_get(h);
  } else if (strcmp(what, "handle-reused") == 0) {
    mw_handle_free(h);
    mw_handle_new(p);
    mw_handle_free(h);
  } else if (strcmp(what, "handle-zero") == 0) {
    mw_handle_get(0);
  } else if (strcmp(what, "root-null") == 0) {
    mw_root_add(NULL, 8);
  } else if (strcmp(what, "root-end") == 0) {
    mw_root_add(p, SIZE_MAX - 5);
  } else if (strcmp(what, "root-unknown") == 0) {
    mw_root_remove(&h);
  } else if (strcmp(what, "realloc-inside") == 0) {
    p = mw_realloc(p + 8, 200);
  } else if (strcmp(what, "realloc-pair") == 0) {
    p = mw_realloc((char *)make() + 8, 200); /* 16 bytes, but not packed */
  } else if (strcmp(what, "realloc-foreign") == 0) {
    p = mw_realloc(malloc(10), 20);
  } else if (strcmp(what, "realloc-size") == 0) {
    p = mw_realloc(p, SIZE_MAX / 2);
  } else if (strcmp(what, "strdup-null") == 0) {
    const char *volatile none = NULL;
    p = mw_strdup(none);
  } else if (strcmp(what, "sprintf-null") == 0) {
    const char *volatile none = NULL;
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-security"
    p = mw_sprintf(none);
#pragma clang diagnostic pop
  }
  printf("went on: %s %p\n", what, (void *)p);
}

static __attribute__((noinline)) void set_all(void) {
  global = make();
  local = make();
  outside = malloc(3 * sizeof *outside);
  outside[0] = outside[1] = NULL;
  outside[2] = NULL;
  mw_root_add(outside, 3 * sizeof *outside);
  outside[1] = make();
}

int main(int argc, char **argv) {
  if (argc > 1) {
    misuse(argv[1]);
    return 0;
  }
  mw_thread_lock(); /* for its thread-local */
  set_all();
  pthread_t t[3];
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, thread, NULL);
  mw_waitgroup_add(&locked, 3);
  for (int i = 0; i < 3; i++) mw_go(goroutine, NULL);
  for (int i = 0; i < 10; i++) {
    collect();
    alive("a global", global);
    alive("a thread-local of main's", local);
    alive("a root", outside[1]);
  }
  handles();
  mw_waitgroup_wait(&locked);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  mw_root_add((char *)outside + 3, 2); /* room for no pointer: harmless */
  collect();
  mw_root_remove((char *)outside + 3);
  mw_root_remove(outside);
  char *s = mw_sprintf("%s-%d", "x", 5), *copy = mw_strdup(s);
  collect();
  if (strcmp(copy, "x-5") || strcmp(s, copy)) return puts("FAIL: strings"), 1;
  object **array = mw_make(object *, 2);
  array[0] = make();
  array = mw_realloc(array, 100000 * sizeof *array);
  collect();
  alive("a grown array", array[0]);
  for (int i = 1; i < 100000; i++)
    if (array[i]) return puts("FAIL: a grown array's tail is not zero"), 1;
  puts("ok");
  return 0;
}
