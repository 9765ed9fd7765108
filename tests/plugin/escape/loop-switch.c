// SPDX-License-Identifier: MIT
// Declared in a case, beside others that a jump over it leads to.
int *kept[9];
int f(int n) {
  int *a[999];
  for (int i = 0; i < n; i++) {
    switch (i & 3) {
      int never;
    case 0:;
      int x = i, y = i, *p = &y;
      kept[i] = &x;
      ++*p;
      break;
    case 1:;
      int z = i;
      a[i] = &z;
      break;
    case 2:
      never = i;
      kept[i] = &never;
    }
  }
  return *a[n / 2];
}
// CHECK: {{^}}{{.*}}loop-switch.c:10:11: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}loop-switch.c:15:11: moved to heap: z{{$}}
// CHECK: {{^}}{{.*}}loop-switch.c:19:13: moved to heap: never{{$}}
