// SPDX-License-Identifier: MIT
// The cases and the places that receive stay.
#include <mallow.h>
int f(mw_chan *c) {
  int x = 0;
  mw_case k[1] = {mw_case_recv(c, &x)};
  mw_select(k, 1);
  return x;
}
// CHECK: {{^}}{{.*}}select-recv.c:4:16: leaking param content: c{{$}}
