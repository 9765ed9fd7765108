// SPDX-License-Identifier: MIT
// A quotient that is multiplied again is an aligned address.
#include <stdint.h>
char *f(void) {
  char b[64];
  return (char *)(((uintptr_t)b + 15) / 16 * 16);
}
char *h(uintptr_t align) {
  char c[64];
  return (char *)(((uintptr_t)c + align - 1) / align * align);
}
// CHECK: {{^}}{{.*}}cast-divided.c:5:8: moved to heap: b{{$}}
// CHECK: {{^}}{{.*}}cast-divided.c:9:8: moved to heap: c{{$}}
