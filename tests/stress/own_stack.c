/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/own_stack.c -- a collection on a stack of the program's own is a clear fatal error
 */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <mallow.h>

static ucontext_t here, there;
static char *kept;

static void body(void) {
  for (int i = 0; i < 100; i++) kept = mw_strdup("on another stack");
  mw_gc();
  swapcontext(&there, &here);
}

int main(void) {
  char *stack = malloc(65536);
  if (!stack || getcontext(&there) != 0) return 1;
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = 65536;
  there.uc_link = &here;
  makecontext(&there, body, 0);
  swapcontext(&here, &there);
  puts("still here");
  return 0;
}
