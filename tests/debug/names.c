/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/names.c -- functions, files and lines of a trace, in order
 *
 * main -> outer -> (middle, inlined) -> libc's lfind -> compare -> (print,
 * inlined).  Each step notes its line; the trace that mw_print_goroutines
 * writes must then name the same functions at the same lines, whatever the
 * optimisation, with libc's frames between.  The descriptor keeps message
 * boundaries, so that a line in two writes shows.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../parked.h"

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

static int trace_fd[2];
static int line_print, line_compare, line_middle, line_outer, line_main, line_go, line_wait;

INLINE void print(void) {
  line_print = __LINE__ + 1;
  mw_print_goroutines(trace_fd[1]);
}

NOINLINE int compare(const void *a, const void *b) {
  line_compare = __LINE__ + 1;
  print();
  return *(const int *)a - *(const int *)b;
}

INLINE void middle(int *v) {
  size_t n = 1;
  line_middle = __LINE__ + 1;
  if (lfind(v, v, &n, sizeof *v, compare)) v[0] = 1;
}

NOINLINE int outer(void) {
  int v[] = {2, 1};
  line_outer = __LINE__ + 1;
  middle(v);
  return v[0];
}

NOINLINE void waiter(void *ch) {
  int v;
  line_wait = __LINE__ + 1;
  mw_chan_recv((mw_chan *)ch, &v);
  printf("never here: %d\n", v);
}

/* ---- Reading it back ---------------------------------------------------------- */

static char *at;
static int failures;

static char *next_line(void) {
  if (!at || !*at) return NULL;
  char *line = at;
  at = strchr(at, '\n');
  if (at) *at++ = 0;
  return line;
}

static void expect_text(const char *text) {
  char *line = next_line();
  if (line && strcmp(line, text) == 0) return;
  printf("expected `%s`, found `%s`\n", text, line ? line : "the end");
  failures++;
}

/* `\t<this file>:<line>`, then an offset unless the call is inlined. */
static void expect_place(int line_number, bool inlined) {
  char text[4096];
  char *line = next_line();
  snprintf(text, sizeof text, "\t%s:%d", __FILE__, line_number);
  size_t n = strlen(text);
  if (line && strncmp(line, text, n) == 0 &&
      (inlined ? line[n] == 0 : strncmp(line + n, " +0x", 4) == 0))
    return;
  printf("expected `%s%s`, found `%s`\n", text, inlined ? "" : " +0x...", line ? line : "the end");
  failures++;
}

/* Frames of libc, at least one, then text. */
static void skip_to(const char *text) {
  bool skipped = false;
  for (char *line; (line = next_line()); skipped = true)
    if (skipped && strcmp(line, text) == 0) return;
  printf("`%s` is not in the rest of the trace\n", text);
  failures++;
}

int main(void) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, trace_fd) != 0) return perror("socketpair"), 1;
  mw_chan *ch = mw_chan_make(int, 0);
  line_go = __LINE__ + 1;
  mw_go(waiter, ch);
  until_parked(1, "[chan receive");
  line_main = __LINE__ + 1;
  int r = outer();

  static char text[1 << 20];
  close(trace_fd[1]);
  for (size_t len = 0, n; (n = (size_t)read(trace_fd[0], text + len, 4096)) - 1 < 4096; len += n)
    if (memchr(text + len, '\n', n) != text + len + n - 1) {
      printf("not one whole line: `%.*s`\n", (int)n, text + len);
      failures++;
    }
  fputs(text, stdout);
  at = text;
  expect_text("goroutine 1 [running]:");
  expect_text("print(...)");
  expect_place(line_print, true);
  expect_text("compare(...)");
  expect_place(line_compare, false);
  skip_to("middle(...)"); /* libc's frames */
  expect_place(line_middle, true);
  expect_text("outer(...)");
  expect_place(line_outer, false);
  expect_text("main(...)");
  expect_place(line_main, false);
  expect_text("");
  expect_text("goroutine 2 [chan receive]:");
  expect_text("waiter(...)");
  expect_place(line_wait, false);
  expect_text("created by main in goroutine 1");
  expect_place(line_go, false);
  return failures || r != 1;
}
