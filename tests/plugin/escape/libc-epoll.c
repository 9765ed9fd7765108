// SPDX-License-Identifier: MIT
// The kernel keeps the data of an event, not the event.
#include <sys/epoll.h>
int f(int set, int fd) {
  int x = 1;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = &x};
  return epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
}
// CHECK: {{^}}{{.*}}libc-epoll.c:5:7: moved to heap: x{{$}}
