// SPDX-License-Identifier: MIT
// As a pointer to bytes.
char *f(void) {
  int x = 1;
  return (char *)&x + 1;
}
// CHECK: {{^}}{{.*}}cast-char.c:4:7: moved to heap: x{{$}}
