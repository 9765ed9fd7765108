// SPDX-License-Identifier: MIT
// A block on the stack moves like a compound literal; what clang adds to its function is not
// reported.
// RUN: %mallow cc -fblocks -m -w -O0 -c %s -o %t 2>&1 | %check --implicit-check-not={{escape}}
// RUN: %mallow cc -fblocks -m -w -O2 -c %s -o %t 2>&1 | %check --implicit-check-not={{escape}}
int call(int (^f)(void));
int a(void) {
  int x = 1;
  // CHECK: {{^}}{{.*}}block-report.c:[[@LINE+1]]:10: may move to heap: block (decided when linking){{$}}
  return call(^{
    return x;
  });
}
int b(void) {
  // CHECK: {{^}}{{.*}}block-report.c:[[@LINE+1]]:15: may move to heap: y (decided when linking){{$}}
  __block int y = 1;
  // CHECK: {{^}}{{.*}}block-report.c:[[@LINE+1]]:3: may move to heap: block (decided when linking){{$}}
  call(^{
    return y++;
  });
  return y;
}
