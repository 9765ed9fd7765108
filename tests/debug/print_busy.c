/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/print_busy.c -- mw_print_goroutines beside goroutines in every state
 *
 * Some run, some sort in libc, some sleep, park and come and go, one thread of
 * the program's own waits on a channel; several goroutines print at the same
 * time.  Every trace must name the goroutine that prints it, and the long-lived
 * ones with the functions that they are in.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../parked.h"

#define ROUNDS 30
#define PRINTERS 3

static _Atomic int stop, failures;

/* Those that are there from beginning to end; and who prints. */
static const char *const wanted[] = {"\nmain(...)\n",           "\nspinning(...)\n",
                                     "\nsorting(...)\n",        "\nwaiting(...)\n",
                                     "\nthread_waiting(...)\n", "\nprinting(...)\n"};
enum { WANTED = sizeof wanted / sizeof *wanted, LONG_LIVED = WANTED - 1 };

static int compare(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

static void sorting(void *arg) {
  (void)arg;
  unsigned seed = 1;
  int *v = mw_make(int, 4096);
  while (!stop) {
    for (int i = 0; i < 4096; i++) v[i] = rand_r(&seed);
    qsort(v, 4096, sizeof *v, compare);
  }
}

static void spinning(void *arg) {
  volatile int *n = arg;
  while (!stop) ++*n;
}

static void sleeping(void *arg) {
  (void)arg;
  while (!stop) mw_sleep(100000);
}

static void waiting(void *ch) {
  int v;
  while (mw_chan_recv((mw_chan *)ch, &v)) {
  }
}

static void brief(void *arg) {
  (void)arg;
}

static void breeding(void *arg) {
  while (!stop) {
    mw_go(brief, arg);
    mw_yield();
  }
}

static void *thread_waiting(void *ch) {
  waiting(ch);
  return NULL;
}

static void *volatile_calls(void *text) {
  return mw_strdup(text);
}

struct printer {
  mw_waitgroup *done;
  char *text;
};

static void printing(void *arg) {
  struct printer *p = arg;
  for (int i = 0; i < ROUNDS; i++) {
    int fd[2];
    FILE *f = tmpfile();
    if (!f) break;
    fd[0] = fileno(f);
    mw_print_goroutines(fd[0]);
    ssize_t n = pread(fd[0], p->text, (1 << 20) - 1, 0);
    fclose(f);
    p->text[n > 0 ? n : 0] = 0;
    for (int k = 0; k < WANTED; k++)
      if (!strstr(p->text, wanted[k]) && !failures++)
        printf("%s is not in:\n%s\n", wanted[k] + 1, p->text);
    volatile_calls(p->text);
  }
  mw_waitgroup_done(p->done);
}

int main(void) {
  static int counter;
  mw_chan *ch = mw_chan_make(int, 0), *other = mw_chan_make(int, 0);
  mw_waitgroup *done = mw_new(mw_waitgroup);
  pthread_t t;
  pthread_create(&t, NULL, thread_waiting, other);
  mw_go(sorting, NULL);
  mw_go(spinning, &counter);
  mw_go(sleeping, NULL);
  mw_go(waiting, ch);
  mw_go(breeding, NULL);
  for (int k = 0; k < LONG_LIVED; k++) until_parked(1, wanted[k]); /* or do what they do */
  for (int i = 0; i < PRINTERS; i++) {
    struct printer *p = mw_new(struct printer);
    p->done = done;
    p->text = mw_alloc_noscan(1 << 20);
    mw_waitgroup_add(done, 1);
    mw_go(printing, p);
  }
  mw_waitgroup_wait(done);
  stop = 1;
  mw_chan_close(other);
  pthread_join(t, NULL);
  return failures != 0;
}
