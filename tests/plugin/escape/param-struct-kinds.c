// SPDX-License-Identifier: MIT
// Structs passed by value, in registers or in memory, are parameters as others are.
struct two {
  int *p, *q;
};
struct numbers {
  long a, b;
};
struct big {
  long v[8];
  int *p;
};
int *g;
int *returned(struct two s) {
  return s.q;
}
int read(struct two s) {
  return *s.q;
}
long number(struct numbers s) {
  return s.a;
}
int *big_returned(struct big s) {
  return s.p;
}
int big_read(struct big s) {
  return *s.p;
}
void either(struct two s, int *r) {
  g = r ? s.q : s.p;
}
// CHECK: {{^}}{{.*}}param-struct-kinds.c:14:26: leaking param: s to result level=0{{$}}
// CHECK: {{^}}{{.*}}param-struct-kinds.c:17:21: s does not escape{{$}}
// CHECK: {{^}}{{.*}}param-struct-kinds.c:23:30: leaking param: s to result level=0{{$}}
// CHECK: {{^}}{{.*}}param-struct-kinds.c:26:25: s does not escape{{$}}
// CHECK: {{^}}{{.*}}param-struct-kinds.c:29:24: leaking param: s{{$}}
// CHECK: {{^}}{{.*}}param-struct-kinds.c:29:32: r does not escape{{$}}
