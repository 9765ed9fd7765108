// SPDX-License-Identifier: MIT
// An atomic store to a global.
#include <stdatomic.h>
_Atomic(int *) g;
void f(void) {
  int x = 1;
  atomic_store(&g, &x);
}
// CHECK: {{^}}{{.*}}atomic-global.c:6:7: moved to heap: x{{$}}
