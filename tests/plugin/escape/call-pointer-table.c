// SPDX-License-Identifier: MIT
// Through a table of function pointers.
struct ops {
  int (*get)(int *);
};
int f(const struct ops *o) {
  int x = 1;
  return o->get(&x);
}
// CHECK: {{^}}{{.*}}call-pointer-table.c:6:25: o does not escape{{$}}
// CHECK: {{^}}{{.*}}call-pointer-table.c:7:7: moved to heap: x{{$}}
