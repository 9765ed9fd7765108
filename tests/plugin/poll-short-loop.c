// SPDX-License-Identifier: MIT
// A loop of a few turns, their number constant, does not poll.
// RUN: %cc -O2 -fno-unroll-loops -fno-vectorize -fno-slp-vectorize -S -emit-llvm %s -o - | %check
void few(volatile int *p) { for (int i = 0; i < 20; i++) *p = i; }
// CHECK-LABEL: define{{.*}} void @few(
// CHECK-NOT: mwi_slow_poll
// CHECK: ret void
void many(volatile int *p) { for (int i = 0; i < 20000; i++) *p = i; }
// CHECK-LABEL: define{{.*}} void @many(
// CHECK: mwi_slow_poll
