// SPDX-License-Identifier: MIT
// In a struct passed by value to a callee that keeps it.
struct s {
  int *p;
};
int *g;
static void keep(struct s s) {
  g = s.p;
}
void f(void) {
  int x = 1;
  keep((struct s){&x});
}
// CHECK: {{^}}{{.*}}call-struct-argument.c:7:27: leaking param: s{{$}}
// CHECK: {{^}}{{.*}}call-struct-argument.c:11:7: moved to heap: x{{$}}
