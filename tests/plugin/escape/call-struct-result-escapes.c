// SPDX-License-Identifier: MIT
// In a struct returned by value, returned again.
struct s {
  int *p;
  long n;
};
static struct s mk(int *p) {
  return (struct s){p, 1};
}
struct s f(void) {
  int x = 1;
  return mk(&x);
}
// CHECK: {{^}}{{.*}}call-struct-result-escapes.c:7:25: leaking param: p to result level=0{{$}}
// CHECK: {{^}}{{.*}}call-struct-result-escapes.c:11:7: moved to heap: x{{$}}
