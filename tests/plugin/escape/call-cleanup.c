// SPDX-License-Identifier: MIT
// A cleanup function gets the address.
static void done(int *p) {
  *p = 0;
}
int f(void) {
  __attribute__((cleanup(done))) int x = 1;
  return x;
}
// CHECK: {{^}}{{.*}}call-cleanup.c:3:23: p does not escape{{$}}
