// SPDX-License-Identifier: MIT
// A last call of the runtime leaves its caller's frame there; others may be jumps.
// RUN: %ir2 | %check
#include <mallow.h>
#include <unistd.h>
void receives(mw_chan *c) { mw_chan_recv(c, NULL); }
// CHECK-LABEL: define {{.*}}@receives
// CHECK: notail call {{.*}}@mwi_chan_recv(
void unlocks(mw_mutex *m) { mw_mutex_unlock(m); }
// CHECK-LABEL: define {{.*}}@unlocks
// CHECK: notail call {{.*}}@mwi_rt_mutex_unlocked(
long reads(int fd, void *p) { return read(fd, p, 1); }
// CHECK-LABEL: define {{.*}}@reads
// CHECK: notail call {{.*}}@mwi_rt_read(
long other(long);
long calls(long n) { return other(n + 1); }
// CHECK-LABEL: define {{.*}}@calls
// CHECK: {{ tail call .*}}@other(
