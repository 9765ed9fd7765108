/* SPDX-License-Identifier: MIT */
/*
 * late.c [-n] -- how many objects are made for variables that are used on some ways only
 *
 * Each function is called 1000 times; the numbers are of objects in these calls, in thousands, as
 * they are in optimised code [EL1] [EL2]; -n: without counting them, for -O0.
 */
#include <mallow.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "late.h"

#define NOINLINE __attribute__((noinline))
#define CHECK(cond) ((cond) ? (void)0 : (printf("line %d: %s\n", __LINE__, #cond), exit(1)))
static int *volatile kept;
static volatile int zero;
static NOINLINE void keep(int *p) {
  kept = p;
}

/* A buffer for what does not fit. */
static NOINLINE int rare(int n) {
  char large[4000];
  int number[4];
  if (n + zero > 5000) {
    keep((int *)(void *)large);
    number[1] = n;
    keep(&number[1]);
    return *kept;
  }
  return n;
}
static void never(int n) {
  CHECK(rare(n) == n);
}
static void taken(int n) {
  CHECK(rare(n + 6000) == n + 6000);
}

/* One for each turn that needs it, whatever goes on in the turn. */
static NOINLINE void turns(int n) {
  int *of[10] = {NULL};
  for (int i = 0; i < 10; i++) {
    int x;
    if (i % 5 != 4) continue;
    for (int k = 0; k < 3; k++) {
      if (k + zero == 0) x = n + i;
      CHECK(!of[i] || of[i] == &x);
      keep(of[i] = &x);
    }
    x++;
  }
  CHECK(of[4] != of[9] && *of[4] == n + 5 && *of[9] == n + 10);
}

/* The loop's own variable is used after it: made when the loop is left. */
static NOINLINE void left(int n) {
  for (int i = 0;; i++) {
    int x;
    if (i < n % 10 + zero) continue;
    x = i;
    keep(&x);
    CHECK(*kept == n % 10);
    return;
  }
}

/* One for each life, though the uses are in different cases. */
static NOINLINE int cases(int n, int which) {
  struct {
    int *p, i;
  } x;
  switch (which + zero) {
  case 0:
    x.i = n;
    keep(&x.i);
    return *kept;
  case 1:
  case 2:
    x.i = n + 1;
    if (which == 2) x.i--;
    keep(&x.i);
    if (which == 1) --*kept;
    return x.i;
  default:
    return n;
  }
}
static void no_case(int n) {
  CHECK(cases(n, 3) == n);
}
static void two_cases(int n) {
  for (int which = 1; which < 3; which++) CHECK(cases(n, which) == n);
}

/* Uses that may follow one another are of one object. */
static NOINLINE void follow(int n) {
  int x, *first = NULL;
  if (n + zero < 0) return;
  if (n % 2) {
    x = n;
    keep(first = &x);
  }
  if (n % 3) {
    CHECK(!first || (first == &x && x == n));
    x = n;
    keep(&x);
  }
}

/* A jump back inside of the variable's life. */
static NOINLINE void again(int n) {
  int x, *first = NULL, turn = 0;
  if (n + zero < 0) return;
  goto in;
back:
  if (turn % 2) {
  in:
    CHECK(!first || first == &x);
    x = turn;
    keep(first = &x);
  }
  if (++turn < 6) goto back;
  CHECK(*first == 5);
}

/* Jumps through a table. */
static NOINLINE void table(int n) {
  static const void *const to[] = {&&use, &&skip, &&end};
  int x, *first = NULL;
  goto *to[n % 3 ? 2 : 0];
use:
  CHECK(!first || first == &x);
  x = n;
  keep(first = &x);
  goto *to[1 + zero];
skip:
  CHECK(x == n);
  goto *to[2 + zero];
end:
  CHECK(!first || *first == n);
}

/* Control comes back where no edge leads: the object is made at the start, or all is well. */
static NOINLINE void jumps(int n) {
  volatile int x;
  jmp_buf back;
  if (setjmp(back) == 0) {
    x = n;
    keep((int *)&x);
    longjmp(back, 1 + zero);
  } else {
    CHECK((int *)&x == kept && x == n);
  }
}
static void *builtin_back[5];
static NOINLINE void jump(void) {
  __builtin_longjmp(builtin_back, 1);
}
static NOINLINE void builtin_jumps(int n) {
  volatile int x;
  if (__builtin_setjmp(builtin_back) == 0) {
    x = n;
    keep((int *)&x);
    jump();
  } else {
    CHECK((int *)&x == kept && x == n);
  }
}

/* Decided when linking. */
static NOINLINE int linked(int n) {
  int x;
  if (n + zero > 5000) {
    x = n;
    keep_there(&x);
    return *kept_there;
  }
  return n;
}
static void linked_never(int n) {
  CHECK(linked(n) == n);
}
static void linked_taken(int n) {
  CHECK(linked(n + 6000) == n + 6000);
}

static const struct {
  const char *name;
  void (*fn)(int);
  unsigned objects;
} tests[] = {
    {"never", never, 0},
    {"taken", taken, 2},
    {"turns", turns, 2},
    {"left", left, 1},
    {"no_case", no_case, 0},
    {"two_cases", two_cases, 2},
    {"follow", follow, 1},
    {"again", again, 1},
    {"table", table, 1}, /* every label may come after every other */
    {"jumps", jumps, 1},
    {"builtin_jumps", builtin_jumps, 1},
    {"linked_never", linked_never, 0},
    {"linked_taken", linked_taken, 1},
};

int main(int argc, char **argv) {
  bool count = argc < 2 || strcmp(argv[1], "-n") != 0, failed = false;
  static mw_mem_stats before, after;
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    mw_read_mem_stats(&before);
    for (int n = 0; n < 1000; n++) tests[i].fn(n);
    mw_read_mem_stats(&after);
    uint64_t objects = (after.mallocs - before.mallocs) / 1000;
    if (!count || objects == tests[i].objects) continue;
    printf("%s: %u objects in each call, not %u\n", tests[i].name, (unsigned)objects,
           tests[i].objects);
    failed = true;
  }
  puts(failed ? "FAIL" : "as many objects as needed");
  return failed;
}
