/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/handed.c -- libc has an object that nobody else has, in a form that is no address [HA1]
 *
 * The program has a strverscmp of its own, of which the plugin believes what libc's manual says;
 * it gives its argument back from a number that is none of its addresses.  The caller has no use
 * for the text behind the call, whose result is its own.  Other goroutines collect meanwhile.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern volatile int plain_holds, plain_release;

static mw_waitgroup done;
static volatile size_t length = 100;

static __attribute__((noinline)) char *text(void) {
  char *p = mw_make(char, length);
  memset(p, 'h', length - 1);
  return p;
}

/* As a function's last act, which would leave no frame. */
static __attribute__((noinline)) int alone(char *p) {
  return strverscmp(p, "x");
}

static void compares(void *arg) {
  (void)arg;
  if (!alone(text())) {
    puts("FAIL: a text was lost inside of a function of libc's");
    exit(1);
  }
  mw_waitgroup_done(&done);
}

int main(void) {
  for (int i = 0; i < 10; i++) {
    plain_holds = plain_release = 0;
    mw_waitgroup_add(&done, 1);
    mw_go(compares, NULL);
    while (!plain_holds) mw_yield();
    for (int k = 0; k < 3; k++) {
      mw_gc();
      for (int n = 0; n < 1000; n++) memset(mw_make(char, length), 'x', length);
    }
    plain_release = 1;
    mw_waitgroup_wait(&done);
  }
  puts("ok");
  return 0;
}
