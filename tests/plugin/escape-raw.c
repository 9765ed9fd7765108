// SPDX-License-Identifier: MIT
// A large variable whose words are scanned anyway, or never, is not zeroed when
// it moves to the heap; one with a mask is, and so is a small one.
// RUN: %mallow cc -O0 -S -emit-llvm %s -o - | %check --check-prefix=IR
// RUN: %ir2 | %check --check-prefix=STACK
void keep(void *);
struct list { struct list *next; int key; };
// IR-LABEL: define{{.*}} @bytes(
// IR: call {{.*}}@mwi_rt_new_raw(
void bytes(void) { char b[1000]; keep(b); }
// IR-LABEL: define{{.*}} @numbers(
// IR: call {{.*}}@mwi_rt_new_raw(
void numbers(void) { double d[20]; keep(d); }
// IR-LABEL: define{{.*}} @exact(
// IR: call {{.*}}@mwi_rt_new_var(
void exact(void) { struct list l[20]; keep(l); }
// IR-LABEL: define{{.*}} @small(
// IR: call {{.*}}@mwi_rt_new_var(
void small(void) { char b[32]; keep(b); }
// The optimiser knows that nothing is in it: a program's own zeroes stay.
// IR-LABEL: define{{.*}} @cleared(
// STACK-LABEL: define{{.*}} @cleared(
// STACK: call {{.*}}@mwi_rt_new_raw(
// STACK: call void @llvm.memset
void cleared(void) { char b[1000] = {0}; keep(b); }
// Back on the stack after inlining, it is not zeroed there either.
// STACK-LABEL: define{{.*}} @inlined(
// STACK-NOT: memset
// STACK: ret
static inline char *first(char *p, long i) { return i > 3 ? p : p + 1; }
char inlined(long i) { char b[1000]; char *p = first(b, i); p[0] = (char)i; return p[0]; }
