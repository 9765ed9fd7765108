// SPDX-License-Identifier: MIT
// clang builds a variable that is returned where the result goes: fresh in each turn as well.
struct big {
  long a[6];
};
struct small {
  int a, b;
};
struct big f(int n) {
  struct big *last[999];
  for (int i = 0; i < n; i++) {
    struct big x = {{i}};
    last[i] = &x;
    if (last[i / 2]->a[0] == n) return x;
  }
  __builtin_abort();
}
struct small g(int n) {
  struct small *last[999];
  for (int i = 0; i < n; i++) {
    struct small x = {i, i};
    last[i] = &x;
    if (last[i / 2]->a == n) return x;
  }
  __builtin_abort();
}
struct big h(int n) {
  for (int i = 0; i < n; i++) {
    struct big x = {{i}}, *p = &x;
    if (p->a[0] == 3) return x;
  }
  __builtin_abort();
}
// CHECK: {{^}}{{.*}}loop-returned.c:12:16: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}loop-returned.c:21:18: moved to heap: x{{$}}
