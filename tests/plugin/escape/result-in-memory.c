// SPDX-License-Identifier: MIT
// The address of a variable that clang builds in the caller's memory.
struct s {
  long n[8];
};
struct s *g;
struct s f(void) {
  struct s r = {{1}};
  g = &r;
  return r;
}
// CHECK: {{^}}{{.*}}result-in-memory.c:8:12: moved to heap: r{{$}}
