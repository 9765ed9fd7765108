/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/signal_stores.c -- a signal handler stores pointers
 *
 * A timer's handler, compiled like the rest, swaps pointers between globals
 * while it interrupts the runtime in the middle of barriers and collections.
 * Nothing is lost, and the processor's barrier buffer stays whole.
 */
#include <mallow.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

typedef struct node {
  struct node *next;
  unsigned long check;
} node;

enum { SLOTS = 256 };
static node *slots[SLOTS];
static node *volatile mine[SLOTS];
static volatile sig_atomic_t signals;
static unsigned seed = 1;

static void on_timer(int sig) {
  (void)sig;
  for (int i = 0; i < 16; i++) {
    seed = seed * 1664525 + 1013904223;
    unsigned a = seed >> 8 & (SLOTS - 1), b = seed >> 20 & (SLOTS - 1);
    node *p = mine[a];
    mine[a] = mine[b];
    mine[b] = p;
  }
  signals++;
}

int main(void) {
  sigset_t timer;
  sigemptyset(&timer);
  sigaddset(&timer, SIGALRM);
  for (int i = 0; i < SLOTS; i++) {
    mine[i] = mw_new(node);
    mine[i]->check = 42;
  }
  struct sigaction sa = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, NULL);
  struct itimerval often = {{0, 300}, {0, 300}};
  setitimer(ITIMER_REAL, &often, NULL);
  int64_t end = mw_nanotime() + INT64_C(1500000000);
  unsigned x = 7;
  while (mw_nanotime() < end) {
    for (int i = 0; i < 20000; i++) {
      x = x * 1664525 + 1013904223;
      node *n = mw_new(node);
      n->next = slots[x >> 24];
      n->check = 42;
      if (x >> 16 & 3) n->next = NULL;
      slots[x >> 24] = n;
    }
  }
  struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
  mw_gc();
  for (int i = 0; i < SLOTS; i++) {
    for (node *n = slots[i]; n; n = n->next)
      if (n->check != 42) return puts("FAIL: a node is lost"), 1;
    if (!mine[i] || mine[i]->check != 42) return puts("FAIL: the handler's node is lost"), 1;
  }
  printf("%d signals\nok\n", (int)signals);
  return signals == 0;
}
