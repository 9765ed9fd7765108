// SPDX-License-Identifier: MIT
// -fgc-malloc: stores of numbers that may be pieces of a pointer have barriers, late, so that loops
// over text are optimised as before; stores of members and of other types have none, and without
// the option nothing has.
// RUN: %mallow cc -fgc-malloc -O2 -S -emit-llvm %s -o - | %check
// RUN: %mallow cc -O2 -S -emit-llvm %s -o - | %check --check-prefix=PLAIN
// RUN: %mallow cc -fgc-malloc -O0 -S -emit-llvm %s -o - | %check --check-prefix=O0
// RUN: %mallow cc -fgc-malloc -O2 -fno-strict-aliasing -S -emit-llvm %s -o - | %check --check-prefix=ANY
#include <stdio.h>
#include <string.h>

struct s {
  int number;
  char flag;
  long size;
  char text[16];
};

// One byte: its value is told, and one test is enough.
// CHECK-LABEL: define{{.*}} @byte(
// CHECK: call preserve_mostcc void @mwi_slow_wb_piece(ptr %{{.*}}, i64 %{{.*}}, i64 1)
// CHECK: store i8 {{.*}}!mallow.guarded
// CHECK-NOT: mwi_slow
// CHECK: ret void
// PLAIN-LABEL: define{{.*}} @byte(
// PLAIN-NOT: mwi_slow
// PLAIN: ret void
// O0-LABEL: define{{.*}} @byte(
// O0: mwi_slow_wb_piece
// O0: ret void
void byte(char *p, char c) { *p = c; }

// Several: what the words become is seen behind the last.
// CHECK-LABEL: define{{.*}} @several(
// CHECK: call preserve_mostcc void @mwi_slow_wb_pieces(ptr %{{.*}}, i64 1)
// CHECK: call preserve_mostcc void @mwi_slow_wb_pieces(ptr %{{.*}}, i64 1)
// CHECK: store i8
// CHECK: store i8
// CHECK: call preserve_mostcc void @mwi_slow_wb_pieces(ptr %{{.*}}, i64 1)
// CHECK: call preserve_mostcc void @mwi_slow_wb_pieces(ptr %{{.*}}, i64 1)
// CHECK: ret void
void several(char *p, char c) {
  p[0] = c;
  p[5] = 1;
}

// A loop is still made a memset, and that has its barrier.
// CHECK-LABEL: define{{.*}} @wipe(
// CHECK: mwi_slow_wb_clear
// CHECK: call void @llvm.memset
// PLAIN-LABEL: define{{.*}} @wipe(
// PLAIN-NOT: mwi_slow
// PLAIN: call void @llvm.memset
void wipe(char *p, long n) {
  while (n-- > 0) *p++ = 0;
}

// One that cannot be is vectorised, as ever.
// CHECK-LABEL: define{{.*}} @shift(
// CHECK: mwi_slow_wb_pieces(ptr %{{.*}}, i64 16)
// CHECK: store <16 x i8>
// CHECK: mwi_slow_wb_pieces(ptr %{{.*}}, i64 16)
void shift(unsigned char *restrict p, const unsigned char *restrict q, long n) {
  for (long i = 0; i < n; i++) p[i] = (unsigned char)(q[i] >> 1);
}

// A long by itself.
// CHECK-LABEL: define{{.*}} @word(
// CHECK: mwi_slow_wb_piece(ptr %{{.*}}, i64 %{{.*}}, i64 8)
void word(long *p, long n) { *p = n; }

// A literal.
// CHECK-LABEL: define{{.*}} @literal(
// CHECK: mwi_slow_wb_
// CHECK: ret void
void literal(char *p) { memcpy(p, "a text that is too long for a register or two", 40); }

// What a pointer's place cannot be called, by C's rules.
// CHECK-LABEL: define{{.*}} @members(
// CHECK-NOT: mwi_slow
// CHECK: ret void
// ANY-LABEL: define{{.*}} @members(
// ANY: mwi_slow_wb_piece
// ANY: ret void
void members(struct s *p, int *q) {
  p->number = 1;
  p->flag = 2;
  *q = 3;
  p->size = 4;
}

// Private memory.
// CHECK-LABEL: define{{.*}} @own(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret i32
int own(int i) {
  volatile char text[16];
  text[i] = 1;
  return text[0];
}

// Text from libc, into what may have held pointers.
// CHECK-LABEL: define{{.*}} @print(
// CHECK: call preserve_mostcc void @mwi_ext1.(ptr null, ptr
// CHECK: snprintf
// PLAIN-LABEL: define{{.*}} @print(
// PLAIN-NOT: mwi_ext1
// PLAIN: ret void
void print(char *p, int n) { snprintf(p, 10, "%d", n); }
