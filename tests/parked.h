/* SPDX-License-Identifier: MIT */
/*
 * tests/parked.h -- wait until goroutines wait, instead of for some milliseconds
 *
 * Who tells others that it is about to wait does not wait yet.  mw_print_goroutines says who does:
 * "chan receive", "sync.Cond.Wait", "sleep"; src/sched/proc.c has the words.
 */
#ifndef TESTS_PARKED_H
#define TESTS_PARKED_H

#ifndef _GNU_SOURCE
#error "memfd_create wants _GNU_SOURCE"
#endif
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How many goroutines' traces begin with this: "[chan receive" for all of them, with what may
 * follow ("chan receive, locked to thread"); with the ']', for those that have no more. */
__attribute__((unused)) static int parked_as(const char *state) {
  int fd = memfd_create("goroutines", MFD_CLOEXEC);
  mw_print_goroutines(fd);
  off_t size = lseek(fd, 0, SEEK_END);
  char *text = size > 0 ? malloc((size_t)size + 1) : NULL;
  if (!text || pread(fd, text, (size_t)size, 0) != (ssize_t)size) {
    fprintf(stderr, "%s: no trace of the goroutines\n", __FILE__);
    _exit(1);
  }
  close(fd);
  text[size] = 0;
  int n = 0;
  for (const char *s = text; (s = strstr(s, state)) != NULL; s++) n++;
  free(text);
  return n;
}

/* Until n are there.  Where they do not come, the test's time limit tells. */
__attribute__((unused)) static void until_parked(int n, const char *state) {
  while (parked_as(state) < n) mw_yield();
}

#endif
