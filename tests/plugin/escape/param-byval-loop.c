// SPDX-License-Identifier: MIT
// A parameter that is passed in memory holds the address of a variable of the first turn.
struct s {
  int *p;
  long n[8];
};
int f(struct s s, int n) {
  for (int i = 0; i < n; i++) {
    volatile int x = i;
    if (i == 0) s.p = (int *)&x;
  }
  return *s.p;
}
// CHECK: {{^}}{{.*}}param-byval-loop.c:7:16: s does not escape{{$}}
// O0: {{^}}{{.*}}param-byval-loop.c:9:18: moved to heap: x{{$}}
// O1: {{^}}{{.*}}param-byval-loop.c:9:18: moved to heap: x{{$}}
