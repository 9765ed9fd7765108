// SPDX-License-Identifier: MIT
// The address of a field moves the whole struct.
struct s {
  int a, b;
};
int *f(void) {
  struct s x = {1, 2};
  return &x.b;
}
// CHECK: {{^}}{{.*}}return-field.c:7:12: moved to heap: x{{$}}
