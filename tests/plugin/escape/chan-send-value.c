// SPDX-License-Identifier: MIT
// A value is sent.
#include <mallow.h>
void f(mw_chan *c) {
  int x = 1;
  mw_chan_send(c, x);
}
// CHECK: {{^}}{{.*}}chan-send-value.c:4:17: c does not escape{{$}}
