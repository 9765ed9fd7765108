// SPDX-License-Identifier: MIT
// An out-parameter receives a pointer: that goes through memory.
static void set(int **out, int *p) {
  *out = p;
}
int f(void) {
  int x = 1;
  int *p;
  set(&p, &x);
  return *p;
}
// O0: {{^}}{{.*}}call-out-pointer.c:3:23: out does not escape{{$}}
// O0: {{^}}{{.*}}call-out-pointer.c:3:33: leaking param: p{{$}}
// O0: {{^}}{{.*}}call-out-pointer.c:7:7: moved to heap: x{{$}}
// OPT: {{^}}{{.*}}call-out-pointer.c:3:23: out does not escape{{$}}
// OPT: {{^}}{{.*}}call-out-pointer.c:3:33: leaking param: p{{$}}
