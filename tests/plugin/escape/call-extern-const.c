// SPDX-License-Identifier: MIT
// Const in a prototype promises nothing.
void other(const int *p);
void f(void) {
  int x = 1;
  other(&x);
}
// CHECK: {{^}}{{.*}}call-extern-const.c:5:7: may move to heap: x (decided when linking){{$}}
