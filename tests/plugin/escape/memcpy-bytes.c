// SPDX-License-Identifier: MIT
// The pointer is copied byte by byte.
int *f(void) {
  int x = 1;
  int *p = &x, *q;
  char *d = (char *)&q;
  const char *s = (const char *)&p;
  for (int i = 0; i < 8; i++) *d++ = *s++;
  return q;
}
// CHECK: {{^}}{{.*}}memcpy-bytes.c:4:7: moved to heap: x{{$}}
