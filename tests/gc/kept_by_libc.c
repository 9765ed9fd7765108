/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/kept_by_libc.c -- what is only in libc's hands, or where the kernel put argv, is kept
 *
 *   argv, envp          are on the initial thread's stack, which is nobody's
 *   thread-specific     main's and a thread's, in libc's first block and in a later one
 *   putenv, environ     strings in libc's array, and an array of the program's own
 *
 * Run under clobberfree: what is lost reads as something else.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#define CHECK_EXIT exit
#include "../sched/check.h"

enum { KEYS = 70, TEXTS = 8 };
static pthread_key_t keys[KEYS];
static tss_t tss;

/* In frames of their own, so that no register or slot has what they made. */
static __attribute__((noinline)) void put_arguments(char **argv, char **envp) {
  argv[0] = mw_sprintf("the program's name, once more");
  envp[0] = mw_sprintf("FIRST=a variable, where the first was");
}

static __attribute__((noinline)) void put_environment(void) {
  for (int i = 0; i < TEXTS; i++) CHECK(putenv(mw_sprintf("KEPT%d=put in turn %d", i, i)) == 0);
}

static __attribute__((noinline)) void own_environment(void) {
  size_t n = 0;
  while (environ[n]) n++;
  char **own = mw_make(char *, n + 2);
  memcpy(own, environ, n * sizeof *own);
  own[n] = mw_sprintf("OWN=in an array of the program's");
  environ = own;
}

static __attribute__((noinline)) void put_values(const char *who) {
  for (int i = 0; i < KEYS; i++)
    CHECK(pthread_setspecific(keys[i], mw_sprintf("%s, value %d", who, i)) == 0);
  CHECK(tss_set(tss, mw_sprintf("%s, C11's", who)) == thrd_success);
}

static __attribute__((noinline)) void look_at_values(const char *who) {
  char want[64];
  for (int i = 0; i < KEYS; i++) {
    snprintf(want, sizeof want, "%s, value %d", who, i);
    CHECK(strcmp(pthread_getspecific(keys[i]), want) == 0);
  }
  snprintf(want, sizeof want, "%s, C11's", who);
  CHECK(strcmp(tss_get(tss), want) == 0);
}

static __attribute__((noinline)) void collect(void) {
  for (int turn = 0; turn < 3; turn++) {
    for (int i = 0; i < 2000; i++) CHECK(mw_sprintf("what others left, %d", i) != NULL);
    mw_gc();
  }
}

static void *thread_main(void *unused) {
  (void)unused;
  put_values("thread");
  collect();
  look_at_values("thread");
  return NULL;
}

int main(int argc, char **argv, char **envp) {
  (void)argc;
  for (int i = 0; i < KEYS; i++) CHECK(pthread_key_create(&keys[i], NULL) == 0);
  CHECK(tss_create(&tss, NULL) == thrd_success);
  put_arguments(argv, envp);
  put_values("main");
  put_environment();
  collect();
  pthread_t t;
  CHECK(pthread_create(&t, NULL, thread_main, NULL) == 0 && pthread_join(t, NULL) == 0);
  look_at_values("main");
  CHECK(strcmp(argv[0], "the program's name, once more") == 0);
  CHECK(strcmp(envp[0], "FIRST=a variable, where the first was") == 0);
  for (int own = 0; own < 2; own++) {
    for (int i = 0; i < TEXTS; i++) {
      char name[16], want[32];
      snprintf(name, sizeof name, "KEPT%d", i);
      snprintf(want, sizeof want, "put in turn %d", i);
      CHECK(getenv(name) && strcmp(getenv(name), want) == 0);
    }
    if (own) break;
    own_environment();
    collect();
  }
  CHECK(getenv("OWN") && strcmp(getenv("OWN"), "in an array of the program's") == 0);
  puts("ok");
  return 0;
}
