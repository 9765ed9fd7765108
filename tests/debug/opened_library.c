/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/opened_library.c -- a library for opened.c; NAME is its function
 */
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *name_here(void);
void call_back(void (*fn)(void));

const char *name_here(void) {
  return TEXT(NAME);
}

static __attribute__((noinline)) void NAME(void (*fn)(void)) {
  fn();
  __asm__ volatile("");
}

void call_back(void (*fn)(void)) {
  NAME(fn);
  __asm__ volatile("");
}
