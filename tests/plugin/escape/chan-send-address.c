// SPDX-License-Identifier: MIT
// An address is sent.
#include <mallow.h>
void f(mw_chan *c) {
  int x = 1;
  mw_chan_send(c, &x);
}
// CHECK: {{^}}{{.*}}chan-send-address.c:4:17: c does not escape{{$}}
// CHECK: {{^}}{{.*}}chan-send-address.c:5:7: moved to heap: x{{$}}
