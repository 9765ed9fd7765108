// SPDX-License-Identifier: MIT
// -fexceptions: what a call may unwind from is an invoke where a cleanup waits.  Allocations never
// unwind; a call that the runtime makes for libc still does, into the same cleanup.
// RUN: %cc -fexceptions -O2 -S -emit-llvm %s -o - | %check
// RUN: %cc -fexceptions -O0 -c %s -o %t
#include <mallow.h>
#include <mqueue.h>
#include <unistd.h>

typedef struct node {
  struct node *next;
} node;
typedef struct list {
  int n;
  node *e[];
} list;

void done(int *);
void keep(void *, void *, void *, void *);

// CHECK-LABEL: @allocates(
// CHECK-NOT: {{mwi_(new|make|flex|chan_make)_typed}}
// CHECK: call {{.*}}@mwi_rt_chan_make(
// CHECK: invoke void @keep(
void allocates(int n) {
  __attribute__((cleanup(done))) int x = 1;
  node *one = mw_new(node), *many = mw_make(node, n);
  list *l = mw_new_flex(list, e, n);
  mw_chan *c = mw_chan_make(node *, n);
  keep(one, many, l, c);
}

// CHECK-LABEL: @lends(
// CHECK: invoke i64 @mwi_rt_lent4(ptr {{.*}}@mq_receive,
// CHECK-NEXT: to label %[[AFTER:.*]] unwind label %[[PAD:.*]]
// CHECK: invoke i64 @mwi_rt_read(
// CHECK: landingpad
long lends(mqd_t q, char *to, unsigned *priority, long n) {
  __attribute__((cleanup(done))) int x = 1;
  n = n ? mq_receive(q, to, n, priority) : 7;
  return n + read(0, to, 3);
}
