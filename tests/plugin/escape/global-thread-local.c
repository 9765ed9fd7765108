// SPDX-License-Identifier: MIT
// Stored in a thread-local.
#pragma clang diagnostic ignored "-Weverything"
static _Thread_local int *g;
int f(void) {
  int x = 1;
  g = &x;
  return *g;
}
// CHECK: {{^}}{{.*}}global-thread-local.c:6:7: moved to heap: x{{$}}
