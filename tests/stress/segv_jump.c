/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/segv_jump.c -- faults of the program's own that its handler leaves by siglongjmp
 *
 * Job      Stores through NULL, of pointers, numbers, structs and ranges, while
 *          marking is on (gcstress): the barrier reads what is there first, so
 *          the fault is in the runtime, and must be the program's all the same.
 *          A handler that makes the page writable and returns comes with it.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <mallow.h>

typedef struct node {
  struct node *next;
  long value;
  struct node *more[40];
} node;

static sigjmp_buf back;
static node *volatile nowhere;
static char *volatile closed; /* a page without access, for the handler to open */
static volatile int jumps, opened;
static volatile size_t whole = sizeof(node);

static void fault(int sig, siginfo_t *info, void *context) {
  (void)context;
  char *at = info->si_addr;
  if (closed && at >= closed && at < closed + 4096) {
    opened++;
    mprotect(closed, 4096, PROT_READ | PROT_WRITE);
    return;
  }
  jumps++;
  siglongjmp(back, sig);
}

static node *list(int n) {
  node *first = NULL;
  while (n-- > 0) {
    node *x = mw_new(node);
    *x = (node){.next = first, .value = n};
    first = x;
  }
  return first;
}

static void store(int kind, node *x) {
  switch (kind) {
  case 0:
    nowhere->next = x;
    break;
  case 1:
    *nowhere = *x;
    break;
  case 2:
    nowhere->value = 7;
    break;
  case 3:
    memcpy((void *)nowhere, x, whole);
    break;
  case 4:
    memset((void *)nowhere, 0, whole);
    break;
  default:
    memmove(nowhere->more, x->more, whole / 2);
  }
}

int main(void) {
  struct sigaction sa = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &sa, NULL);
  for (int i = 0; i < 300; i++) {
    node *volatile keep = list(20);
    if (sigsetjmp(back, 1) == 0) {
      store(i % 6, list(3));
      printf("store %d went through\n", i % 6);
      return 1;
    }
    int n = 0;
    for (node *x = keep; x; x = x->next)
      if (x->value != n++) return 1;
    if (n != 20) return 1;
  }
  closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 50; i++) {
    mprotect(closed, 4096, PROT_NONE);
    nowhere = (node *)closed;
    store(i % 6, list(3));
  }
  printf("%d jumps, %d opened\n", jumps, opened);
  return 0;
}
