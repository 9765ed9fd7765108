// SPDX-License-Identifier: MIT
// What the kernel follows may lie on a parked goroutine's stack: the runtime makes such calls.
// Own variables and constants do not, streams are not the kernel's, and a function of the
// program's own that has such a name goes along by its address.
// RUN: %ir2 | %check
#define _FILE_OFFSET_BITS 64
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// CHECK-LABEL: @of_others(
// CHECK: call i64 @mwi_rt_lent2(ptr {{.*}}@stat{{(64)?}}, i64 %{{.*}}, i64 %{{.*}})
// CHECK-NEXT: trunc i64
int of_others(const char *path, struct stat *s) { return stat(path, s); }

// CHECK-LABEL: @own(
// CHECK: call {{.*}}@stat{{(64)?}}(
long own(void) {
  struct stat s;
  return stat("name", &s) ? 0 : s.st_size;
}

// CHECK-LABEL: @streams(
// CHECK: call {{.*}}@fread(
// CHECK: call i64 @mwi_rt_lent4_stream(ptr {{.*}}@fread,
int streams(FILE *f, char *to) {
  char own[64];
  return fread(own, 1, sizeof own, f) + fread(to, 1, 64, f) + own[0];
}

// CHECK-LABEL: @varies(
// CHECK: call {{.*}}@ioctl(i32 {{.*}}null)
// CHECK: call i64 @mwi_rt_lent3(ptr {{.*}}@ioctl,
// CHECK: call i64 @mwi_rt_lent3(ptr {{.*}}@ioctl,
int varies(int fd, int *n, unsigned long at) {
  ioctl(fd, FIONREAD, NULL);
  ioctl(fd, FIONREAD, n);
  return ioctl(fd, FIONREAD, at);
}

// CHECK-LABEL: @returns_a_pointer(
// CHECK: %[[R:.*]] = call i64 @mwi_rt_lent2(ptr {{.*}}@realpath,
// CHECK: inttoptr i64 %[[R]] to ptr
char *returns_a_pointer(const char *path, char *to) { return realpath(path, to); }

// CHECK-LABEL: @taken(
// CHECK-NOT: mwi_rt_lent
// CHECK: ret
void *taken(void) { return (void *)clock_gettime; }

// CHECK-LABEL: @not_libcs(
// CHECK: call {{.*}}@bind(double
void not_libcs(void *p) {
  extern int bind(double, void *);
  bind(1.0, p);
}
