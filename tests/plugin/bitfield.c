// SPDX-License-Identifier: MIT
// Bit-fields beside a pointer: only the pointer has a barrier.
// RUN: %ir2 | %check
struct s { unsigned a : 3, b : 13; void *p; unsigned long c : 40; };
void set(struct s *s, void *p) { s->a = 2; s->c = 77; s->p = p; }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK: @mwi_slow_wb(ptr
// CHECK-NOT: @mwi_slow_wb
// CHECK: ret void
