// SPDX-License-Identifier: MIT
// A compound literal is a variable without a name.
struct s {
  int a;
};
struct s *f(void) {
  return &(struct s){3};
}
// CHECK: {{^}}{{.*}}return-compound-literal.c:7:11: moved to heap: {compound literal}{{$}}
