// SPDX-License-Identifier: MIT
// A variable of a case.
int *g;
void f(int n) {
  switch (n) {
  case 1: {
    int y = n;
    g = &y;
    break;
  }
  default: {
    int z = n;
    int *p = &z;
    ++*p;
  }
  }
}
// CHECK: {{^}}{{.*}}switch-case.c:7:9: moved to heap: y{{$}}
