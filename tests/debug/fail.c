/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/fail.c -- ends in the way that its argument says
 *
 * tests/debug/CMakeLists.txt holds each end's exit status and what must be in
 * its output.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <sched.h>
#include <search.h>
#include <signal.h>
#include <sys/resource.h>

#include "../parked.h"

static volatile int zero;

/* ---- Faults ---------------------------------------------------------------- */

static int compare_through_nil(const void *a, const void *b) {
  const int *nil = NULL;
  __asm__("" : "+r"(nil));
  return *(const int *)a - *(const int *)b + *nil;
}

static __attribute__((noinline)) int recurse(int depth) {
  volatile int frame[8];
  frame[depth & 7] = depth;
  if (zero) return 0;
  return recurse(depth + 1) + frame[depth & 7];
}

static void overflow(void *arg) {
  (void)arg;
  printf("%d\n", recurse(0));
}

static void *overflow_thread(void *arg) {
  mw_yield(); /* the runtime meets this thread */
  overflow(arg);
  return NULL;
}

static void bus_error(void) {
  FILE *f = tmpfile(); /* an empty file has no page to map */
  volatile char *p = f ? mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(f), 0) : NULL;
  if (p && p != MAP_FAILED) zero = *p;
}

/* ---- Goroutines that stand around -------------------------------------------- */

static void receiver(void *ch) {
  int v;
  mw_chan_recv((mw_chan *)ch, &v);
}

static _Atomic int spinning;
static void spinner(void *arg) {
  (void)arg;
  spinning = 1;
  while (!zero) zero = zero;
}

/* Three processes have the CPU of this goroutine's thread, which is left a hundredth part. */
static void starved_spinner(void *arg) {
  pid_t parent = getpid();
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET((unsigned)sched_getcpu(), &here);
  for (int i = 0; i < 3; i++) {
    if (fork() != 0) continue;
    sched_setaffinity(0, sizeof here, &here);
    while (getppid() == parent) continue;
    _exit(0);
  }
  sched_setaffinity(0, sizeof here, &here);
  setpriority(PRIO_PROCESS, 0, 19); /* the thread's */
  spinner(arg);
}

static void eraser(void *arg) {
  (void)arg;
  static char block[64 << 20];
  spinning = 1;
  for (;;) memset(block, zero, sizeof block);
}

static void wait_until_spinning(void) {
  while (!spinning) mw_yield();
}

/* ---- Failures at the same time ------------------------------------------------- */

static void close_closed(void *ch) {
  mw_chan_close((mw_chan *)ch);
}

/* ---- malloc's lock held --------------------------------------------------------- */

static void *wait_for_ever(void *arg) {
  for (;;) pause();
  return arg;
}

static void in_malloc(void) {
  pthread_t t; /* a second thread makes malloc lock */
  pthread_create(&t, NULL, wait_for_ever, NULL);
  void *p[64] = {0};
  alarm(1);
  for (unsigned i = 0;; i++) {
    free(p[i % 64]);
    p[i % 64] = malloc(2000 + i * 7919 % 60000);
  }
}

static void crash_in_handler(int sig) {
  (void)sig;
  zero = *(volatile int *)8;
}

static void own_handler(int sig) {
  static const char text[] = "the program's own handler\n";
  (void)sig;
  if (write(1, text, sizeof text - 1) < 0) _exit(1);
  _exit(7);
}

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  mw_chan *ch = mw_chan_make(int, 0);
#define IS(name) (strcmp(how, name) == 0)
  if (IS("nil")) {
    zero = *(volatile int *)0;
  } else if (IS("fault")) {
    zero = *(volatile int *)0x123456789000;
  } else if (IS("divide")) {
    printf("%d\n", 100 / zero);
  } else if (IS("illegal")) {
    __asm__ volatile("ud2");
  } else if (IS("bus")) {
    bus_error();
  } else if (IS("callback")) {
    int v[] = {2, 1};
    size_t n = 2;
    lfind(v, v, &n, sizeof *v, compare_through_nil);
  } else if (IS("overflow")) {
    mw_go(overflow, NULL);
    receiver(ch);
  } else if (IS("overflow-main")) {
    overflow(NULL);
  } else if (IS("overflow-thread")) {
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 20);
    pthread_create(&t, &attr, overflow_thread, NULL);
    pthread_join(t, NULL);
  } else if (IS("deadlock")) {
    mw_go(receiver, ch);
    receiver(ch);
  } else if (IS("misuse")) {
    mw_go(receiver, mw_chan_make(int, 0));
    until_parked(1, "[chan receive");
    mw_chan_close(ch);
    mw_chan_close(ch);
  } else if (IS("two")) {
    mw_chan_close(ch);
    for (int i = 0; i < 100; i++) mw_go(close_closed, ch);
    for (;;) mw_yield();
  } else if (IS("quit")) {
    mw_go(receiver, ch);
    until_parked(1, "[chan receive");
    mw_go(spinner, NULL);
    wait_until_spinning();
    kill(getpid(), SIGQUIT);
    for (;;) mw_sleep(10000000000);
  } else if (IS("quit-starved")) {
    mw_go(starved_spinner, NULL);
    wait_until_spinning();
    mw_sleep(20000000); /* mostly, it has lost the CPU again */
    kill(getpid(), SIGQUIT);
    for (;;) mw_sleep(10000000000);
  } else if (IS("quit-library")) {
    mw_go(eraser, NULL);
    wait_until_spinning();
    kill(getpid(), SIGQUIT);
    for (;;) mw_sleep(10000000000);
  } else if (IS("malloc")) {
    signal(SIGALRM, crash_in_handler);
    in_malloc();
  } else if (IS("own")) {
    signal(SIGSEGV, own_handler);
    zero = *(volatile int *)0;
  } else if (IS("none")) {
    puts("all is well");
    return 0;
  }
  return 99;
}
