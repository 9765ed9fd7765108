// SPDX-License-Identifier: MIT
// A result that is built in the caller's memory and points to itself is copied: the address stays.
struct s {
  long n[8];
  long *p;
};
struct s f(void) {
  struct s r = {{1}};
  r.p = &r.n[1];
  return r;
}
// CHECK: {{^}}{{.*}}result-holds-itself.c:8:12: moved to heap: r{{$}}
