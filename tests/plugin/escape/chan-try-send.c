// SPDX-License-Identifier: MIT
// The same without blocking.
#include <mallow.h>
int f(mw_chan *c) {
  int x = 1;
  int r = 0;
  r = mw_chan_try_send(c, &x) == 0;
  return r;
}
// CHECK: {{^}}{{.*}}chan-try-send.c:4:16: c does not escape{{$}}
// CHECK: {{^}}{{.*}}chan-try-send.c:5:7: moved to heap: x{{$}}
