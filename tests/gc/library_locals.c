/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/library_locals.c -- thread-locals of a library that is opened while threads run
 *
 *     library_locals LIBRARY
 *
 * The only pointer to an object is in a thread-local of the library, in main, in threads that were
 * there before it was opened, in one that came later, and in a goroutine that keeps its thread.
 * A thread has no block of the library's in the table that the dynamic linker keeps for it before
 * it has asked, and where the library's block is a fixed distance from each thread's pointer
 * (-ftls-model=initial-exec) it never asks.
 */
#include <dlfcn.h>
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void (*keep)(unsigned long);
static bool (*kept)(unsigned long);
static pthread_barrier_t opened, filled, collected;

static __attribute__((noinline)) void wipe(void) {
  volatile unsigned long old[1024]; /* a memset would be taken away */
  for (int i = 0; i < 1024; i++) old[i] = 0;
}

static void fill_and_check(const char *who, unsigned long check) {
  keep(check);
  wipe();
  pthread_barrier_wait(&filled);
  pthread_barrier_wait(&collected);
  if (kept(check)) return;
  printf("FAIL: %s has lost the object in its thread-local\n", who);
  exit(1);
}

static void *early(void *arg) {
  pthread_barrier_wait(&opened);
  fill_and_check("a thread from before", (unsigned long)arg);
  return NULL;
}
static void *late(void *arg) {
  fill_and_check("a thread from after", (unsigned long)arg);
  return NULL;
}
static mw_waitgroup done;
static _Thread_local long **program_local; /* the library's image is not the only one */
static _Atomic bool ready;
static void goroutine(void *arg) {
  (void)arg;
  mw_thread_lock();
  ready = true;
  pthread_barrier_wait(&opened);
  fill_and_check("a goroutine", 5);
  mw_waitgroup_done(&done);
}

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  mw_thread_lock(); /* for its thread-local */
  pthread_barrier_init(&opened, NULL, 4);
  pthread_barrier_init(&filled, NULL, 5);
  pthread_barrier_init(&collected, NULL, 5);
  pthread_t t[3];
  for (unsigned long i = 0; i < 2; i++) pthread_create(&t[i], NULL, early, (void *)(i + 1));
  mw_waitgroup_add(&done, 1);
  mw_go(goroutine, NULL);
  while (!ready) mw_yield();
  void *lib = dlopen(argv[1], RTLD_NOW);
  if (!lib) {
    puts(dlerror());
    return 1;
  }
  keep = (void (*)(unsigned long))dlsym(lib, "library_keep");
  kept = (bool (*)(unsigned long))dlsym(lib, "library_kept");
  pthread_barrier_wait(&opened);
  pthread_create(&t[2], NULL, late, (void *)3ul);
  keep(4);
  program_local = mw_new(long *);
  wipe();
  pthread_barrier_wait(&filled);
  mw_gc();
  mw_gc();
  pthread_barrier_wait(&collected);
  if (!kept(4) || *program_local) {
    puts("FAIL: main has lost the object in its thread-local");
    return 1;
  }
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
