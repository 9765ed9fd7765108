/* SPDX-License-Identifier: MIT */
/*
 * os/restart_amd64.c -- see os/restart.h
 *
 * How      The interrupted context tells: the instruction before the PC is
 *          `syscall` and rax is -EINTR.  The call's number is gone from rax;
 *          it is taken from the `mov $number, %eax` that precedes the
 *          instruction in libc's functions.  Other shapes are left alone
 *          (glibc 2.41 and later pass the number in a register to one common
 *          stub when there are several threads).
 *          With a signal of the program's own pending the call does return,
 *          since that signal's handler is about to run.
 * Threads  async-signal-safe; no state.
 */
#define _GNU_SOURCE 1
#include "os/restart.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/base.h"

#define SYSCALL_BYTES 2 /* 0f 05 */
#define MOV_BYTES 5     /* b8 imm32 */

/* The number, or -1. */
static int64_t interrupted_call(const greg_t *r, long known) {
  if (r[REG_RAX] != -EINTR) return -1;
  const uint8_t *pc = (const uint8_t *)r[REG_RIP];
  if (pc[-2] != 0x0f || pc[-1] != 0x05) return -1;
  if (known) return known;
  if (pc[-SYSCALL_BYTES - MOV_BYTES] != 0xb8) return -1;
  int32_t number;
  memcpy(&number, pc - SYSCALL_BYTES - MOV_BYTES + 1, sizeof number);
  return number;
}

/* Should it begin again?  May change an argument. */
static bool restartable(int64_t number, greg_t *r) {
  switch (number) {
  case SYS_pause:
  case SYS_rt_sigsuspend: /* its mask is back in place: a signal waits for the second call */
  case SYS_semop:
  case SYS_msgrcv:
  case SYS_msgsnd:
    return true;
  case SYS_poll:
    return (int32_t)r[REG_RDX] < 0;
  case SYS_ppoll:
  case SYS_rt_sigtimedwait:
    return r[REG_RDX] == 0;
  case SYS_epoll_wait:
  case SYS_epoll_pwait:
    return (int32_t)r[REG_R10] < 0;
  case SYS_epoll_pwait2:
  case SYS_semtimedop:
    return r[REG_R10] == 0;
  case SYS_select:
  case SYS_pselect6:
  case SYS_io_getevents:
    return r[REG_R8] == 0;
  case SYS_nanosleep:
    if (!r[REG_RSI]) return false;
    r[REG_RDI] = r[REG_RSI]; /* sleep what is left */
    return true;
  case SYS_clock_nanosleep:
    if (r[REG_RSI] & TIMER_ABSTIME) return true;
    if (!r[REG_R10]) return false;
    r[REG_RDX] = r[REG_R10];
    return true;
  default:
    return false;
  }
}

static bool others_pending(const sigset_t *blocked) {
  sigset_t pending;
  if (sigpending(&pending) != 0) return true;
  for (int s = 1; s < NSIG; s++)
    if (s != SIGURG && sigismember(&pending, s) == 1 && sigismember(blocked, s) == 0) return true;
  return false;
}

void mwi_os_restart_call(void *uc_, long known) {
  ucontext_t *uc = uc_;
  greg_t *r = uc->uc_mcontext.gregs;
  int64_t number = interrupted_call(r, known);
  if (number < 0 || others_pending(&uc->uc_sigmask) || !restartable(number, r)) return;
  r[REG_RAX] = number;
  r[REG_RIP] -= SYSCALL_BYTES;
}
