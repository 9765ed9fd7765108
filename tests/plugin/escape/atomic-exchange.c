// SPDX-License-Identifier: MIT
// An exchange with a global.
#include <stdatomic.h>
_Atomic(int *) g;
int *f(void) {
  int x = 1;
  return atomic_exchange(&g, &x);
}
// CHECK: {{^}}{{.*}}atomic-exchange.c:6:7: moved to heap: x{{$}}
