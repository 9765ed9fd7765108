// SPDX-License-Identifier: MIT
// An address is sent by a select.
#include <mallow.h>
void f(mw_chan *c) {
  int x = 1;
  int *p = &x;
  mw_case k[1] = {mw_case_send(c, &p)};
  mw_select(k, 1);
}
// CHECK: {{^}}{{.*}}select-send-address.c:4:17: leaking param content: c{{$}}
// CHECK: {{^}}{{.*}}select-send-address.c:5:7: moved to heap: x{{$}}
