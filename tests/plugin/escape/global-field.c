// SPDX-License-Identifier: MIT
// Stored in a field of a global struct.
struct s {
  int *p;
} g;
void f(void) {
  int x = 1;
  g.p = &x;
}
// CHECK: {{^}}{{.*}}global-field.c:7:7: moved to heap: x{{$}}
