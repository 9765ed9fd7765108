// SPDX-License-Identifier: MIT
// In a function with a computed goto clang marks no variable's lifetime.
int *kept[9];
int f(const unsigned char *pc, int n) {
  static const void *const table[] = {&&keep, &&look, &&end};
  int sum = 0, *last = 0;
  goto *table[*pc++];
keep: {
  int x = n;
  kept[n] = &x;
  goto *table[*pc++];
}
look: {
  int y = n, z = n, *p = &y;
  sum += *p;
  if (last) sum += *last;
  last = &z;
  goto *table[*pc++];
}
end:
  return sum;
}
// CHECK: {{^}}{{.*}}loop-computed-goto.c:4:28: pc does not escape{{$}}
// CHECK: {{^}}{{.*}}loop-computed-goto.c:9:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}loop-computed-goto.c:14:14: moved to heap: z{{$}}
