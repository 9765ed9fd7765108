// SPDX-License-Identifier: MIT
// An address inside a struct is sent.
#include <mallow.h>
struct s {
  int *p;
};
void f(mw_chan *c) {
  int x = 1;
  struct s s = {&x};
  mw_chan_send(c, s);
}
// CHECK: {{^}}{{.*}}chan-send-struct.c:7:17: c does not escape{{$}}
// CHECK: {{^}}{{.*}}chan-send-struct.c:8:7: moved to heap: x{{$}}
