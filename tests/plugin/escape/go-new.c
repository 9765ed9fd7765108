// SPDX-License-Identifier: MIT
// An allocation for a goroutine.
#include <mallow.h>
struct job {
  int n;
};
static void work(void *a) {
  ((struct job *)a)->n++;
}
void f(void) {
  struct job *j = mw_new(struct job);
  mw_go(work, j);
}
// CHECK: {{^}}{{.*}}go-new.c:7:24: a does not escape{{$}}
// CHECK: {{^}}{{.*}}go-new.c:11:19: mw_new(struct job) escapes to heap{{$}}
