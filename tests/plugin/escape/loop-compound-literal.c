// SPDX-License-Identifier: MIT
// A compound literal in a loop is a fresh one in each turn.
struct s {
  int a;
};
struct s *g[8];
void f(int n) {
  for (int i = 0; i < n; i++) g[i] = &(struct s){i};
}
// CHECK: {{^}}{{.*}}loop-compound-literal.c:8:39: moved to heap: {compound literal}{{$}}
