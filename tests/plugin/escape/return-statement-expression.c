// SPDX-License-Identifier: MIT
// Through a statement expression.
int *f(void) {
  int x = 1;
  return __extension__({
    int *p = &x;
    p;
  });
}
// CHECK: {{^}}{{.*}}return-statement-expression.c:4:7: moved to heap: x{{$}}
