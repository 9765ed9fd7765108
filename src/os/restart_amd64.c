/* SPDX-License-Identifier: MIT */
/*
 * os/restart_amd64.c -- see os/restart.h
 *
 * How      The interrupted context tells: the instruction before the PC is
 *          `syscall` and rax is -EINTR.  The call's number is gone from rax;
 *          it is taken from the `mov $number, %eax` that precedes the
 *          instruction in libc's functions, or from where glibc 2.41's common
 *          stubs for cancellation points have it: on the stack, at an offset
 *          that their own instructions tell.  Other shapes are left alone.
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

/* `mov offset(%rsp), register`, with the register in its second and third byte. */
#define LOAD_BYTES 5
static bool is_load(const uint8_t *at, uint8_t modrm) {
  return at[0] == 0x48 && at[1] == 0x8b && at[2] == modrm && at[3] == 0x24 && at[4] < 0x80;
}

static int64_t on_stack(const greg_t *r, unsigned offset) {
  int64_t number;
  memcpy(&number, (const char *)r[REG_RSP] + offset, sizeof number);
  return number >= 0 && number < 4096 ? number : -1;
}

/*
 * glibc 2.41 and later.  Without threads, or cancellation off:
 *     mov 16(%rsp), %rax; syscall
 * Else in __syscall_cancel_arch, whose caller loads the number into %rsi:
 *     mov %rsi, %rax; ...; mov %r11, 8(%rsp); syscall
 */
#define CALLER_BYTES 40 /* between the load and the call: some moves of arguments */
static int64_t number_in_stub(const greg_t *r, const uint8_t *at) {
  if (is_load(at - LOAD_BYTES, 0x44)) return on_stack(r, at[-1]);
  static const uint8_t last[] = {0x4c, 0x89, 0x5c, 0x24, 0x08};
  if (memcmp(at - sizeof last, last, sizeof last) != 0) return -1;
  const uint8_t *back;
  memcpy(&back, (const char *)r[REG_RSP], sizeof back);
  const uint8_t *call = back - 5;
  if (*call != 0xe8) return -1;
  for (const uint8_t *p = call - LOAD_BYTES; p > call - CALLER_BYTES; p--)
    if (is_load(p, 0x74)) return on_stack(r, sizeof back + p[4]);
  return -1;
}

/* The number, or -1. */
static int64_t interrupted_call(const greg_t *r, long known) {
  if (r[REG_RAX] != -EINTR) return -1;
  const uint8_t *pc = (const uint8_t *)r[REG_RIP];
  if (pc[-2] != 0x0f || pc[-1] != 0x05) return -1;
  if (known) return known;
  if (pc[-SYSCALL_BYTES - MOV_BYTES] != 0xb8) return number_in_stub(r, pc - SYSCALL_BYTES);
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

bool mwi_os_cut_call(void *uc_) {
  ucontext_t *uc = uc_;
  greg_t *r = uc->uc_mcontext.gregs;
  const uint8_t *pc = (const uint8_t *)r[REG_RIP];
  if (pc[0] == 0x0f && pc[1] == 0x05) { /* not begun; or the kernel is about to restart it */
    r[REG_RAX] = -EINTR;
    r[REG_RIP] += SYSCALL_BYTES;
    return true;
  }
  return pc[-2] == 0x0f && pc[-1] == 0x05 && r[REG_RAX] == -EINTR;
}
