// SPDX-License-Identifier: MIT
// An address inside a struct returned in memory.
struct s {
  long n[8];
  int *p;
};
struct s f(void) {
  int x = 1;
  struct s r = {{0}, &x};
  return r;
}
// CHECK: {{^}}{{.*}}return-big-struct.c:8:7: moved to heap: x{{$}}
