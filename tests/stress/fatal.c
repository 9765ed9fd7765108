/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/fatal.c -- programs that have to end in a fatal error, one a case
 *
 *     fatal CASE
 *
 * Cases    overflow        recursion without end in a goroutine
 *          overflow-main   the same in main
 *          overflow-deep   the same with a frame larger than a guard page
 *          deadlock        goroutines that wait for each other
 *          no-memory       more live memory than the address space (under ulimit -v)
 *          huge            one object that no machine has room for
 *          product         mw_make whose n * size overflows
 * Expect   CMakeLists.txt: the message, the trace's function, exit status 2.
 */
#include <mallow.h>

#include <stdio.h>
#include <string.h>

struct list {
  struct list *next;
  char filler[1000];
};

static struct list *live;
/* Never so: the compiler must not know that the recursion has no end. */
static volatile int bottom = -1;

__attribute__((noinline)) static int recurse(int n) {
  volatile int kept = n;
  return n == bottom ? 0 : recurse(n + 1) + kept;
}

__attribute__((noinline)) static int recurse_wide(int n) {
  volatile char wide[100000];
  wide[n % 100000] = 1;
  return n == bottom ? 0 : recurse_wide(n + 1) + wide[0];
}

static void overflow(void *arg) {
  if (arg)
    recurse_wide(0);
  else
    recurse(0);
}

static mw_chan *first, *second;

static void wait_for_first(void *arg) {
  (void)arg;
  int value;
  mw_chan_recv(first, &value);
  mw_chan_send(second, value);
}

static void deadlock(void) {
  first = mw_chan_make(int, 0);
  second = mw_chan_make(int, 0);
  mw_go(wait_for_first, NULL);
  int value;
  mw_chan_recv(second, &value);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "overflow") == 0) mw_go(overflow, NULL);
  if (strcmp(what, "overflow-deep") == 0) mw_go(overflow, &live);
  if (strcmp(what, "overflow-main") == 0) overflow(NULL);
  if (strcmp(what, "deadlock") == 0) deadlock();
  if (strcmp(what, "huge") == 0) live = mw_alloc((size_t)1 << 60);
  if (strcmp(what, "product") == 0) live = mw_make(struct list, SIZE_MAX / 2);
  if (strcmp(what, "no-memory") == 0)
    for (;;) {
      struct list *item = mw_new(struct list);
      item->next = live;
      live = item;
    }
  for (;;) mw_sleep(INT64_C(10) * 1000000000);
}
