// SPDX-License-Identifier: MIT
// An address inside a struct returned by value.
struct s {
  int *p;
  long n;
};
struct s f(void) {
  int x = 1;
  struct s r = {&x, 0};
  return r;
}
// CHECK: {{^}}{{.*}}return-struct-holding.c:8:7: moved to heap: x{{$}}
