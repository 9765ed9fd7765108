// SPDX-License-Identifier: MIT
// A struct that holds it is copied to a global.
struct s {
  int *p;
  long n[4];
} g;
void f(void) {
  int x = 1;
  struct s s = {&x, {0}};
  g = s;
}
// CHECK: {{^}}{{.*}}global-struct-copy.c:8:7: moved to heap: x{{$}}
