/* SPDX-License-Identifier: MIT */
/*
 * os/restart_amd64.c -- see os/restart.h
 *
 * How      The interrupted context tells: the instruction before the PC is
 *          `syscall` and rax is -EINTR.  The call's number is gone from rax;
 *          it is taken from the `mov $number, %eax` that precedes the
 *          instruction in libc's functions, with some moves of arguments in
 *          between, or from where glibc 2.41's common stubs for cancellation points
 *          have it: on the stack, at an offset that their own instructions
 *          tell.  Other shapes are left alone.  With a signal of the program's
 *          own pending the call does return, since that signal's handler is about
 *          to run.
 *          Which calls go on, and where their timeouts are: waits.h.
 *          A timeout: some calls write what is left of it, and go on with that.
 *          Where it is a number in a register, it is replaced by what is left,
 *          from the first interruption on: nobody knows when the call began, so it
 *          may last for up to twice its time, however often it is interrupted.
 *          Where it is a constant in the program's memory, or the socket's, the
 *          call begins again while the same allowance lasts; then it returns EINTR.
 * Threads  async-signal-safe; `since` is the thread's.
 */
#define _GNU_SOURCE 1
#include "os/restart.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/base.h"
#include "os/os.h"
#include "os/syscall.h"
#include "os/waits.h"

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

/* A move between registers, from the stack, or of a number, but not to eax: its length, else 0. */
static unsigned move_of_argument(const uint8_t *at) {
  const uint8_t *p = at;
  uint8_t rex = (*p & 0xf0) == 0x40 ? *p++ : 0;
  uint8_t op = *p++;
  if ((op & 0xf8) == 0xb8) /* mov $imm32, %r8d, %r9d and so on */
    return (rex & 9) == 1 || (op != 0xb8 && !(rex & 8)) ? (unsigned)(p + 4 - at) : 0;
  if (op != 0x8b && op != 0x89) return 0;
  uint8_t mod = *p >> 6, reg = *p >> 3 & 7, rm = *p & 7;
  p++;
  bool to_eax = op == 0x8b ? reg == 0 && !(rex & 4) : rm == 0 && !(rex & 1);
  if (mod == 3) return to_eax ? 0 : (unsigned)(p - at);
  if (op != 0x8b || to_eax || rm != 4 || *p++ != 0x24) return 0; /* (%rsp) */
  return (unsigned)(p + (mod == 1 ? 1 : mod == 2 ? 4 : 0) - at);
}

#define MOVES_BYTES 32 /* between number and syscall: three or four moves */
static int64_t number_before(const uint8_t *syscall) {
  for (const uint8_t *from = syscall; from >= syscall - MOVES_BYTES; from--) {
    const uint8_t *p = from;
    unsigned n = 1;
    while (p < syscall && (n = move_of_argument(p)) != 0) p += n;
    if (p != syscall) continue;
    if (from[-2] == 0x31 && from[-1] == 0xc0) return 0; /* xor %eax, %eax */
    int32_t number;
    memcpy(&number, from - MOV_BYTES + 1, sizeof number);
    if (from[-MOV_BYTES] == 0xb8 && number >= 0 && number < 4096) return number;
  }
  return -1;
}

/* The number, or -1. */
static int64_t interrupted_call(const greg_t *r, long known) {
  if (r[REG_RAX] != -EINTR) return -1;
  const uint8_t *pc = (const uint8_t *)r[REG_RIP];
  if (pc[-2] != 0x0f || pc[-1] != 0x05) return -1;
  if (known >= 0) return known;
  int64_t number = number_before(pc - SYSCALL_BYTES);
  return number >= 0 ? number : number_in_stub(r, pc - SYSCALL_BYTES);
}

/* ---- Timeouts ---------------------------------------------------------- */

/* One call, as far as can be told: in a loop of such calls, the next is the same. */
static bool is_since(const struct mwi_os_since *since, int64_t number, const greg_t *r) {
  return since->number == number && since->pc == (uintptr_t)r[REG_RIP] &&
         since->sp == (uintptr_t)r[REG_RSP] && since->arg[0] == r[REG_RDI] &&
         since->arg[1] == r[REG_RSI];
}

static void begin_since(struct mwi_os_since *since, int64_t number, const greg_t *r, int64_t ns) {
  *since = (struct mwi_os_since){.number = number,
                                 .pc = (uintptr_t)r[REG_RIP],
                                 .sp = (uintptr_t)r[REG_RSP],
                                 .arg = {r[REG_RDI], r[REG_RSI]},
                                 .until_ns = mwi_os_monotonic() + ns};
}

/* The milliseconds in *reg.  They tell this call from the next of its kind: what we wrote last is
 * still there, so what we write first differs from what the program passed. */
static bool goes_on_ms(struct mwi_os_since *since, int64_t number, greg_t *r, greg_t *reg) {
  int32_t ms = (int32_t)*reg;
  if (ms <= 0 || ms == INT32_MAX) return true; /* for ever, or at once */
  if (!since) return false;
  if (is_since(since, number, r) && since->set_ms == ms) {
    int64_t left = since->until_ns - mwi_os_monotonic();
    *reg = since->set_ms = left <= 0 ? 0 : (int32_t)((left + 999999) / 1000000);
  } else {
    begin_since(since, number, r, (ms + INT64_C(1)) * 1000000);
    *reg = since->set_ms = ms + 1;
  }
  return true;
}

/* Where a call that goes on cannot be told from the next of its kind. */
static bool goes_on_for(struct mwi_os_since *since, int64_t number, const greg_t *r, int64_t ns) {
  if (!since || ns < 0) return false;
  int64_t now = mwi_os_monotonic();
  if (ns > INT64_MAX / 4) ns = INT64_MAX / 4;
  if (!is_since(since, number, r) || now - since->last_ns > ns)
    begin_since(since, number, r, ns); /* an earlier call would be over */
  else if (now >= since->until_ns)
    return false;
  since->last_ns = now;
  return true;
}

static int64_t ns_of(greg_t timespec) {
  const struct timespec *t = (const struct timespec *)(uintptr_t)timespec;
  int64_t ns;
  if (__builtin_mul_overflow((int64_t)t->tv_sec, 1000000000, &ns)) return INT64_MAX;
  return ns > INT64_MAX - t->tv_nsec ? INT64_MAX : ns + t->tv_nsec;
}

/* SO_RCVTIMEO or SO_SNDTIMEO, without which SA_RESTART would have done. */
static bool goes_on_socket(struct mwi_os_since *since, int64_t number, const greg_t *r, int fd,
                           int option) {
  struct timeval t = {0};
  socklen_t len = sizeof t;
  if (mwi_sys_failed(mwi_sys5(SYS_getsockopt, fd, SOL_SOCKET, option, &t, &len))) return false;
  return goes_on_for(since, number, r, (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000);
}

/* A call's arguments, as the kernel numbers them. */
static greg_t *argument(greg_t *r, unsigned i) {
  static const uint8_t reg[6] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
  return &r[reg[i]];
}

static const struct mwi_os_wait *row_of(int64_t number, greg_t *r) {
  long arg[6];
  for (unsigned i = 0; i < 6; i++) arg[i] = (long)*argument(r, i);
  return mwi_os_wait_of(number, arg);
}

/* Would SA_RESTART, which the caller's handler has, have had it begin again?  Then it is another
 * handler that has ended it, just before.  (A socket's time is looked at by goes_on_socket.) */
static bool kernel_restarts(const struct mwi_os_wait *w, greg_t *r) {
  long arg[6];
  for (unsigned i = 0; i < 6; i++) arg[i] = (long)*argument(r, i);
  return w->restarts == MWI_OS_UNTIMED && (w->time == MWI_OS_FOR || w->time == MWI_OS_UNTIL) &&
         !mwi_os_wait_is_timed(w, arg);
}

/* Sleep what is left, if the call has written that. */
static bool sleeps_on(greg_t *r, const struct mwi_os_wait *w) {
  greg_t left = *argument(r, w->at + 1u);
  if (left) *argument(r, w->at) = left;
  return left;
}

/* Should it begin again?  May change an argument. */
static bool restartable(int64_t number, greg_t *r, struct mwi_os_since *since) {
  const struct mwi_os_wait *w = row_of(number, r);
  if (!w || kernel_restarts(w, r)) return false; /* what says EINTR by itself has its reasons */
  greg_t at = *argument(r, w->at);
  switch ((enum mwi_os_time)w->time) {
  case MWI_OS_FOREVER: /* sigsuspend's mask is back in place: a signal waits for the second call */
  case MWI_OS_LEFT:
  case MWI_OS_UNTIL:
    return true;
  case MWI_OS_MS:
    return goes_on_ms(since, number, r, argument(r, w->at));
  case MWI_OS_FOR:
    return !at || goes_on_for(since, number, r, ns_of(at));
  case MWI_OS_SLEEP:
    return sleeps_on(r, w) || goes_on_for(since, number, r, ns_of(at));
  case MWI_OS_RING: {
    greg_t ts = (greg_t)((const struct io_uring_getevents_arg *)(uintptr_t)at)->ts;
    return !ts || goes_on_for(since, number, r, ns_of(ts));
  }
  case MWI_OS_RECEIVE:
    return goes_on_socket(since, number, r, (int)at, SO_RCVTIMEO);
  case MWI_OS_SEND:
    return goes_on_socket(since, number, r, (int)at, SO_SNDTIMEO);
  case MWI_OS_SPLICE:
    return goes_on_socket(since, number, r, (int)r[REG_RDI], SO_RCVTIMEO) ||
           goes_on_socket(since, number, r, (int)r[REG_RDX], SO_SNDTIMEO);
  }
  return false;
}

/* The runtime's own call: the signal was on its way when it began, so hardly any time is lost. */
static bool own_restartable(int64_t number, greg_t *r) {
  if (number == SYS_close) return false; /* has closed, whatever it says */
  const struct mwi_os_wait *w = row_of(number, r);
  if (w && w->time == MWI_OS_SLEEP) sleeps_on(r, w);
  return true;
}

static bool others_pending(const sigset_t *blocked) {
  sigset_t pending;
  if (sigpending(&pending) != 0) return true;
  for (int s = 1; s < NSIG; s++)
    if (s != SIGURG && sigismember(&pending, s) == 1 && sigismember(blocked, s) == 0) return true;
  return false;
}

void mwi_os_restart_call(void *uc_, long known, struct mwi_os_since *since) {
  ucontext_t *uc = uc_;
  greg_t *r = uc->uc_mcontext.gregs;
  int64_t number = interrupted_call(r, known);
  if (number < 0 || others_pending(&uc->uc_sigmask)) return;
  if (!(known >= 0 ? own_restartable(number, r) : restartable(number, r, since))) return;
  r[REG_RAX] = number;
  r[REG_RIP] -= SYSCALL_BYTES;
}

extern const char mwi_os_call_at[] __attribute__((visibility("hidden"))); /* call_amd64.S */

bool mwi_os_in_call(const void *uc) {
  const greg_t *r = ((const ucontext_t *)uc)->uc_mcontext.gregs;
  uintptr_t past = (uintptr_t)r[REG_RIP] - (uintptr_t)mwi_os_call_at;
  return past == 0 || past == SYSCALL_BYTES;
}

bool mwi_os_at_call(const void *uc) {
  const uint8_t *pc = (const uint8_t *)((const ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
  return pc[0] == 0x0f && pc[1] == 0x05;
}

bool mwi_os_call_never_restarts(const void *uc) {
  const greg_t *r = ((const ucontext_t *)uc)->uc_mcontext.gregs;
  const long arg[] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
  const struct mwi_os_wait *w = mwi_os_wait_of(r[REG_RAX], arg);
  return w && (w->restarts == MWI_OS_NEVER || mwi_os_wait_is_timed(w, arg));
}

bool mwi_os_cut_call(void *uc_) {
  ucontext_t *uc = uc_;
  greg_t *r = uc->uc_mcontext.gregs;
  const uint8_t *pc = (const uint8_t *)r[REG_RIP];
  if (mwi_os_at_call(uc)) { /* not begun; or the kernel is about to restart it */
    r[REG_RAX] = -EINTR;
    r[REG_RIP] += SYSCALL_BYTES;
    return true;
  }
  return pc[-2] == 0x0f && pc[-1] == 0x05 && r[REG_RAX] == -EINTR;
}

/* The kernel's frame has the context behind the handler's return address, which is gone by the
 * time of the call. */
_Noreturn void mwi_os_sigreturn(void *uc) {
  __asm__ volatile("movq %0, %%rsp\n\tsyscall" ::"r"(uc), "a"((long)SYS_rt_sigreturn) : "memory");
  __builtin_unreachable();
}
