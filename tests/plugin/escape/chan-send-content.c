// SPDX-License-Identifier: MIT
// A struct is sent, not its address.
#include <mallow.h>
struct s {
  int a, b;
};
void f(mw_chan *c) {
  struct s s = {1, 2};
  struct s *p = &s;
  mw_chan_send(c, *p);
}
// CHECK: {{^}}{{.*}}chan-send-content.c:7:17: c does not escape{{$}}
