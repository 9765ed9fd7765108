// SPDX-License-Identifier: MIT
// A pointer that pointed elsewhere before.
int *f(int *q) {
  int x = 1;
  int *p = &x;
  *p = 2;
  p = q;
  return p;
}
// O0: {{^}}{{.*}}reassigned.c:3:13: leaking param: q to result level=0{{$}}
// O0: {{^}}{{.*}}reassigned.c:4:7: moved to heap: x{{$}}
// OPT: {{^}}{{.*}}reassigned.c:3:13: leaking param: q to result level=0{{$}}
