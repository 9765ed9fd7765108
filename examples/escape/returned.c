/* SPDX-License-Identifier: MIT */
/* escape/returned.c -- the address of a local variable is returned */
#include <mallow.h>
#include <stdio.h>

static __attribute__((noinline)) int *counter(void) {
  int count = 0;
  return &count;
}

int main(void) {
  int *a = counter(), *b = counter();
  ++*a;
  ++*a;
  ++*b;
  printf("%d %d\n", *a, *b);
}
