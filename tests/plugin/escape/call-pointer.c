// SPDX-License-Identifier: MIT
// Through a function pointer.
int f(int (*fn)(int *)) {
  int x = 1;
  return fn(&x);
}
// CHECK: {{^}}{{.*}}call-pointer.c:3:13: fn does not escape{{$}}
// CHECK: {{^}}{{.*}}call-pointer.c:4:7: moved to heap: x{{$}}
