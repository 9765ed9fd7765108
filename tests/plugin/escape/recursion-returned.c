// SPDX-License-Identifier: MIT
// A variable of some frame comes back up.
static int *up(int n) {
  int x = n;
  return n ? up(n - 1) : &x;
}
int f(void) {
  return *up(3);
}
// O0: {{^}}{{.*}}recursion-returned.c:4:7: moved to heap: x{{$}}
// O1: {{^}}{{.*}}recursion-returned.c:4:7: moved to heap: x{{$}}
