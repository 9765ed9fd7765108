// SPDX-License-Identifier: MIT
// Calls that can wait go to the runtime, by whatever name libc's headers give them;
// a function of the program's own that only shares the name does not.
// RUN: %ir2 | %check
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
long send_off(int fd, char *b, struct pollfd *p, struct sockaddr *a, socklen_t n) {
  // CHECK: call i32 (ptr, i32, ...) @mwi_rt_open(
  int f = open("x", O_RDONLY);
  // CHECK: call i32 (i32, i32, ...) @mwi_rt_fcntl(
  fcntl(f, F_SETLKW, p);
  // CHECK: call i64 @mwi_rt_read(
  // CHECK: call i64 @mwi_rt_pread(
  // CHECK: call i64 @mwi_rt_recv(
  long r = read(fd, b, 1) + pread(fd, b, 1, 0) + recv(fd, b, 1, 0);
  // CHECK: call i32 @mwi_rt_connect(
  // CHECK: call i32 @mwi_rt_accept(
  r += connect(fd, a, n) + accept(fd, a, &n);
  // CHECK: call i32 @mwi_rt_pollfds(
  r += poll(p, 1, -1);
  // CHECK: call i32 @mwi_rt_waitpid(
  r += waitpid(-1, 0, 0);
  // CHECK: call i32 @mwi_rt_close(
  return r + close(f);
}
// CHECK: @pause(ptr
// CHECK-NOT: mwi_rt_pause
void *pause_button(void *machine) {
  extern void *pause_other(void *) __asm__("pause");
  return pause_other(machine);
}
