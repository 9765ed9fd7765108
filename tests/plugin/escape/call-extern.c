// SPDX-License-Identifier: MIT
// A function that nobody knows.
void other(int *p);
void f(void) {
  int x = 1;
  other(&x);
}
// CHECK: {{^}}{{.*}}call-extern.c:5:7: may move to heap: x (decided when linking){{$}}
