// SPDX-License-Identifier: MIT
// ... and what it holds escapes with it.
struct s {
  long n[8];
  int *p;
};
struct s *g;
static struct s mk(int *q) {
  struct s r = {{1}, q};
  g = &r;
  return r;
}
int f(void) {
  int x = 1;
  struct s a = mk(&x);
  return *a.p;
}
// CHECK: {{^}}{{.*}}result-in-memory-content.c:8:25: leaking param: q{{$}}
// CHECK: {{^}}{{.*}}result-in-memory-content.c:9:12: moved to heap: r{{$}}
// CHECK: {{^}}{{.*}}result-in-memory-content.c:14:7: moved to heap: x{{$}}
