// SPDX-License-Identifier: MIT
// Blocking calls go to the runtime, also when their address is taken.
// RUN: %ir2 | %check
#include <time.h>
#include <unistd.h>
unsigned (*taken)(unsigned) = sleep;
// CHECK: @taken = {{.*}}ptr @mwi_rt_sleep
void naps(const struct timespec *t) { sleep(1); usleep(2); nanosleep(t, 0); }
// CHECK: call i32 @mwi_rt_sleep(i32
// CHECK: call i32 @mwi_rt_usleep(i32
// CHECK: call i32 @mwi_rt_nanosleep(ptr
