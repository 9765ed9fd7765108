// SPDX-License-Identifier: MIT
// Behind a label: a new variable each time that the declaration is passed.
int *kept[9];
int f(int n) {
  int *a[999];
  for (int i = 0; i < n; i++) {
  again:;
    int stays = i, *p = &stays, goes = i, outer = i;
    ++*p;
    kept[i] = &goes;
    a[i] = &outer;
    if (*p == n) {
      i++;
      goto again;
    }
  }
  return *a[n / 2];
}
// CHECK: {{^}}{{.*}}loop-label.c:8:33: moved to heap: goes{{$}}
// CHECK: {{^}}{{.*}}loop-label.c:8:43: moved to heap: outer{{$}}
