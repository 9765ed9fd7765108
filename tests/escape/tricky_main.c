/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_main.c -- runs the cases, then reads what they kept
 */
#include <stdio.h>
#include <string.h>
#include "tricky.h"
static struct {
  int *p, want, line;
  const char *name;
} kept[4000];
static int nkept;
int zero;
void keep_named(int *p, int want, const char *name, int line) {
  kept[nkept].p = p;
  kept[nkept].want = want;
  kept[nkept].name = name;
  kept[nkept++].line = line;
}
static NOINLINE void smash(int depth) {
  volatile unsigned junk[128]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 128; i++) junk[i] = 0xa5a5a5a5;
  if (depth) smash(depth - 1);
  (void)junk[0]; /* no tail call: a frame each */
}
extern void (*const __start_cases[])(void), (*const __stop_cases[])(void);
int main(void) {
  for (void (*const *c)(void) = __start_cases; c < __stop_cases; c++) (*c)();
  smash(60);
  mw_gc();
  smash(60);
  int bad = 0;
  for (int i = 0; i < nkept; i++)
    if (*kept[i].p != kept[i].want) {
      printf("FAIL: %s:%d: %d, not %d\n", kept[i].name, kept[i].line, *kept[i].p, kept[i].want);
      bad++;
    } else {
      *kept[i].p = i;
    }
  for (int i = 0; i < nkept; i++)
    if (!bad && *kept[i].p != i) {
      printf("FAIL: %s:%d: shares its place\n", kept[i].name, kept[i].line);
      bad++;
    }
  printf("%d addresses: %s\n", nkept, bad ? "FAIL" : "intact");
  return bad != 0;
}
