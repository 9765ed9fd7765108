// SPDX-License-Identifier: MIT
// A struct in a struct.
struct in {
  int *p;
};
struct out {
  struct in a, b;
};
int *f(void) {
  int x = 1, y = 2;
  struct out o = {{&x}, {&y}};
  return o.b.p;
}
// O0: {{^}}{{.*}}nested-struct.c:10:7: moved to heap: x{{$}}
// O0: {{^}}{{.*}}nested-struct.c:10:14: moved to heap: y{{$}}
// OPT: {{^}}{{.*}}nested-struct.c:10:14: moved to heap: y{{$}}
