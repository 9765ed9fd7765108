// SPDX-License-Identifier: MIT
// What was stored in a result that is built in the caller's memory is read from it again.
struct s {
  long n[8];
  int *p;
};
int *g;
struct s f(int *q) {
  struct s r = {{1}};
  r.p = q;
  g = r.p;
  return r;
}
int h(void) {
  int x = 1;
  struct s s = f(&x);
  return (int)s.n[0];
}
// CHECK: {{^}}{{.*}}result-in-memory-read.c:8:17: leaking param: q{{$}}
// CHECK: {{^}}{{.*}}result-in-memory-read.c:15:7: moved to heap: x{{$}}
