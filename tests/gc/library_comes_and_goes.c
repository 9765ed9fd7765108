/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/library_comes_and_goes.c -- dlopen and dlclose under running cycles
 *
 *     library_comes_and_goes LIBRARY
 *
 * The library has globals and thread-locals with pointers, which go away with
 * it, a pool, a variable that it gives to external code, and objects that outlive it.  Two
 * goroutines collect all the time, one uses the thread-locals of whatever thread it is on, and
 * threads of the program's own are in the library while it is opened again.
 */
#include <dlfcn.h>
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef void *use_fn(void *);
static const char *path;
static _Atomic bool over;
static mw_waitgroup done;

/* So that marking takes a while, in which the library is closed. */
typedef struct node {
  struct node *next;
  long x;
} node;
static node *list;
static void make_list(void) {
  for (int i = 0; i < 50000; i++) {
    node *n = mw_new(node);
    n->next = list;
    list = n;
  }
}

static void collect(void *arg) {
  (void)arg;
  while (!over) mw_gc();
  mw_waitgroup_done(&done);
}

static void *open_use_close(void *previous) {
  void *lib = dlopen(path, RTLD_NOW);
  if (!lib) {
    puts(dlerror());
    exit(1);
  }
  use_fn *use = (use_fn *)dlsym(lib, "library_use");
  void *object = use(previous);
  if (!object) {
    puts("FAIL: an object of the library changed");
    exit(1);
  }
  dlclose(lib);
  return object;
}

static void *thread(void *arg) {
  (void)arg;
  for (int i = 0; i < 20; i++) open_use_close(NULL);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  path = argv[1];
  mw_set_max_procs(3);
  make_list();
  for (int i = 0; i < 2; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(collect, NULL);
  }
  void *kept = NULL;
  for (int i = 0; i < 150; i++) {
    if (i % 10 == 0) kept = NULL;
    kept = open_use_close(kept);
    if (i % 30 == 0) {
      pthread_t t[3];
      for (int k = 0; k < 3; k++) pthread_create(&t[k], NULL, thread, NULL);
      for (int k = 0; k < 3; k++) pthread_join(t[k], NULL);
    }
  }
  over = true;
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
