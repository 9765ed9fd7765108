// SPDX-License-Identifier: MIT
// The place that receives stays.
#include <mallow.h>
int f(mw_chan *c) {
  int x;
  mw_chan_recv(c, &x);
  return x;
}
// CHECK: {{^}}{{.*}}chan-recv.c:4:16: c does not escape{{$}}
