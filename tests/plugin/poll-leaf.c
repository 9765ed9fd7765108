// SPDX-License-Identifier: MIT
// Functions without loops that call nothing, or harmless libc, do not poll.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <stdio.h>
int leaf(int a) { return a * 3; }
void hello(void) { puts("hello"); }
// CHECK-NOT: mwi_slow_poll
