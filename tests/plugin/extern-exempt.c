// SPDX-License-Identifier: MIT
// No announcement for functions of this file, the harmless part of libc, the
// runtime, readers, constants and the own stack.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <mallow.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
void other(const void *__attribute__((noescape)));
long reads(const void *) __attribute__((pure));
__attribute__((noinline)) void here(void *p) { other("constant"); (void)p; }
long calls(char *p) {
  char buffer[64];
  here(p);
  printf("%s %zu\n", p, strlen(p));
  fgets(buffer, sizeof buffer, stdin);
  other(buffer);
  mw_keep_alive(p);
  free(p);
  return reads(p) + strcmp(p, buffer);
}
// CHECK-NOT: mwi_ext
// CHECK-NOT: call {{.*}}mwi_x.
// CHECK-NOT: mwi_slow_ext
