// SPDX-License-Identifier: MIT
// A value through a function pointer is not an address.
int f(int (*fn)(int)) {
  int x = 1;
  return fn(x);
}
// CHECK: {{^}}{{.*}}call-pointer-value.c:3:13: fn does not escape{{$}}
