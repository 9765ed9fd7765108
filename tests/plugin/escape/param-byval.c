// SPDX-License-Identifier: MIT
// The copy of a struct passed in memory moves.
struct s {
  long v[8];
};
struct s *g;
void f(struct s s) {
  g = &s;
}
// CHECK: {{^}}{{.*}}param-byval.c:7:17: moved to heap: s{{$}}
