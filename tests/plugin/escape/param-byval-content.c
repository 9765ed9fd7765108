// SPDX-License-Identifier: MIT
// What the copy holds escapes, in the caller.
struct s {
  long v[8];
  int *p;
};
int *g;
static void keep(struct s s) {
  g = s.p;
}
void f(void) {
  int x = 1;
  struct s s = {{0}, &x};
  keep(s);
}
// CHECK: {{^}}{{.*}}param-byval-content.c:8:27: leaking param: s{{$}}
// CHECK: {{^}}{{.*}}param-byval-content.c:12:7: moved to heap: x{{$}}
