// SPDX-License-Identifier: MIT
// In a struct returned in memory, used here.
struct s {
  int *p;
  long n[5];
};
static struct s mk(int *p) {
  return (struct s){p, {1}};
}
int f(void) {
  int x = 1;
  return *mk(&x).p;
}
// CHECK: {{^}}{{.*}}call-struct-result-memory.c:7:25: leaking param: p to result level=0{{$}}
