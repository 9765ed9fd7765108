// SPDX-License-Identifier: MIT
// The desired value of a compare-exchange.
#include <stdatomic.h>
_Atomic(int *) g;
int f(int *old) {
  int x = 1;
  return atomic_compare_exchange_strong(&g, &old, &x);
}
// CHECK: {{^}}{{.*}}atomic-compare-exchange.c:5:12: old does not escape{{$}}
// CHECK: {{^}}{{.*}}atomic-compare-exchange.c:6:7: moved to heap: x{{$}}
