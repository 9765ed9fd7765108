/* SPDX-License-Identifier: MIT */
/*
 * os/system.c -- clocks, futexes, threads, signals to threads, %gs
 *
 * Thin covers over Linux and x86-64; see os/os.h for the contract.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/inject.h"
#include "os/os.h"
#include "os/syscall.h"
#include "os/thread.h"

/* ---- Clocks ------------------------------------------------------------ */

static int64_t clock_ns(clockid_t c) {
  struct timespec ts;
  clock_gettime(c, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t mwi_os_monotonic(void) {
  mwi_rt_enter();
  int64_t t = clock_ns(CLOCK_MONOTONIC);
  mwi_rt_leave();
  return t;
}
int64_t mwi_os_walltime(void) {
  return clock_ns(CLOCK_REALTIME);
}
int64_t mwi_os_thread_cputime(void) {
  return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t mwi_os_process_cputime(void) {
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t mwi_os_page_faults(void) {
  struct rusage r;
  return getrusage(RUSAGE_SELF, &r) == 0 ? (uint64_t)r.ru_minflt : 0;
}

/* ---- Futex ------------------------------------------------------------- */

bool mwi_futex_wait(_Atomic uint32_t *addr, uint32_t val, int64_t timeout_ns) {
  struct timespec ts, *tp = NULL;
  if (timeout_ns >= 0) {
    ts = (struct timespec){.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    tp = &ts;
  }
  int saved = errno;
  long r = syscall(SYS_futex, addr, FUTEX_WAIT_PRIVATE, val, tp, NULL, 0);
  bool timed_out = r < 0 && errno == ETIMEDOUT;
  errno = saved;
  return !timed_out;
}

void mwi_futex_wake(_Atomic uint32_t *addr, int n) {
  int saved = errno;
  syscall(SYS_futex, addr, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
  errno = saved;
}

/* ---- Threads ----------------------------------------------------------- */

unsigned mwi_os_ncpu(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int n = CPU_COUNT(&set);
    if (n > 0) return (unsigned)n;
  }
  return 1;
}

struct start {
  void (*fn)(void *);
  void *arg;
};

static void *thread_main(void *p) {
  struct start s = *(struct start *)p;
  /* The block is metadata and leaks 16 bytes a thread; threads are reused. */
  s.fn(s.arg);
  return NULL;
}

int mwi_os_thread_start(void (*fn)(void *), void *arg) {
  if (mwi_inject(MWI_INJECT_THREAD)) return EAGAIN;
  struct start *s = mwi_meta_alloc(sizeof *s, 16);
  *s = (struct start){fn, arg};
  pthread_attr_t attr;
  int r = pthread_attr_init(&attr);
  if (r) return r;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, MWI_M_STACK_BYTES);
  sigset_t all, old;
  sigfillset(&all);
  /* The new thread has no control block yet: no signal may reach it before it
   * has; mwi_m_main unblocks. */
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t t;
  r = mwi_real_pthread_create(&t, &attr, thread_main, s);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  return r;
}

uint32_t mwi_os_random(void) {
  uint32_t x = 0;
  /* Too early for entropy, or refused by a filter: another one all the same. */
  if (mwi_sys3(SYS_getrandom, &x, sizeof x, GRND_NONBLOCK) != sizeof x)
    x = (uint32_t)(mwi_os_cycles() ^ mwi_os_cycles() >> 32) ^ (uint32_t)mwi_os_tid();
  return x ? x : 1;
}

int32_t mwi_os_tid(void) {
  return (int32_t)syscall(SYS_gettid);
}

void mwi_os_signal_thread(int32_t tid, int sig) {
  int saved = errno;
  syscall(SYS_tgkill, getpid(), tid, sig);
  errno = saved;
}

bool mwi_os_thread_runnable(int32_t tid, int64_t *cpu_ns) {
  enum { SCHED = 2, THREAD = 4 }; /* the kernel's clock of a thread's CPU time, by its number */
  struct timespec ts;
  if (mwi_sys2(SYS_clock_gettime, (clockid_t)(~(unsigned)tid << 3 | THREAD | SCHED), &ts) != 0)
    return false;
  *cpu_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
  char path[48], text[128];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
  int fd = (int)mwi_sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  long n = mwi_sys3(SYS_read, fd, text, sizeof text - 1);
  mwi_sys1(SYS_close, fd);
  text[n > 0 ? n : 0] = 0;
  const char *name_end = strrchr(text, ')'); /* number (name) state ... */
  return name_end && strncmp(name_end, ") R", 3) == 0;
}

/*
 * The initial thread's, which libc would read out of /proc/self/maps.  The kernel puts above the
 * frames (__libc_stack_end is where they began) argv, envp and the auxiliary vector, which may
 * hold pointers, then strings, the program's name last.  0: not there, or not that thread.
 */
extern void *__libc_stack_end;
#define ARGUMENTS_MOST ((uintptr_t)16 << 20) /* the kernel's limit is 6 MB */
#define FRAMES_MOST ((uintptr_t)64 << 20)    /* it keeps other mappings 128 MB away */

static uintptr_t initial_stack_top(void) {
  uintptr_t frame = (uintptr_t)__builtin_frame_address(0), began = (uintptr_t)__libc_stack_end;
  uintptr_t name = getauxval(AT_EXECFN);
  if (frame >= began || began - frame > FRAMES_MOST) return 0;
  return name > began && name - began < ARGUMENTS_MOST ? mwi_align_up(name, 16) : 0;
}

uintptr_t mwi_os_stack(uintptr_t *lo) {
  uintptr_t top = initial_stack_top();
  *lo = 0;
  if (top) return top;
  pthread_attr_t attr;
  void *addr = NULL;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attr) != 0) return 0;
  pthread_attr_getstack(&attr, &addr, &size);
  pthread_attr_destroy(&attr);
  *lo = (uintptr_t)addr;
  return (uintptr_t)addr + size;
}

void mwi_os_yield(void) {
  sched_yield();
}

unsigned mwi_os_cpu(void) {
  int cpu = sched_getcpu();
  return cpu < 0 ? 0 : (unsigned)cpu;
}

void mwi_os_go_to_cpu(unsigned cpu) {
  cpu_set_t may, there;
  int saved = errno;
  if (cpu < CPU_SETSIZE && sched_getaffinity(0, sizeof may, &may) == 0 && CPU_ISSET(cpu, &may)) {
    CPU_ZERO(&there);
    CPU_SET(cpu, &there);
    if (sched_setaffinity(0, sizeof there, &there) == 0) sched_setaffinity(0, sizeof may, &may);
  }
  errno = saved;
}

int mwi_os_cancel_off(void) {
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  return state;
}

/* A thread that was cancelled meanwhile, asynchronously, ends here: in setcanceltype, since glibc's
 * setcancelstate (2.36) ends it without PTHREAD_CANCELED for its result. */
void mwi_os_cancel_back(int state) {
  int type;
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  pthread_setcancelstate(state, &state);
  pthread_setcanceltype(type, &type);
}

void mwi_os_usleep(int64_t us) {
  int saved = errno, state = mwi_os_cancel_off();
  struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
  nanosleep(&ts, NULL);
  mwi_os_cancel_back(state);
  errno = saved;
}

/* ---- %gs --------------------------------------------------------------- */

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif
#define ARCH_SET_GS 0x1001

void mwi_os_set_gs(void *base) {
  if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
    __asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
  else
    syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

#define LIBC_CANCEL 32 /* SIGCANCEL of glibc and musl */

void mwi_os_fill_mask(sigset_t *set) {
  sigfillset(set);
  uint64_t word;
  memcpy(&word, set, sizeof word); /* sigaddset refuses it; the kernel's set is one word */
  word |= UINT64_C(1) << (LIBC_CANCEL - 1);
  memcpy(set, &word, sizeof word);
}

size_t mwi_os_vectors_bytes(const void *at) {
  struct _fpx_sw_bytes size; /* in the last bytes of the FXSAVE area */
  enum { FXSAVE_BYTES = 512, SIZE_AT = 464 };
  memcpy(&size, (const char *)at + SIZE_AT, sizeof size);
  return size.magic1 == FP_XSTATE_MAGIC1 ? size.xstate_size : FXSAVE_BYTES;
}

/* ---- errno ------------------------------------------------------------- */

MWI_NOINLINE int *mwi_os_errno_at(void) {
  return &errno;
}
MWI_NOINLINE int mwi_errno_get(void) {
  return errno;
}
MWI_NOINLINE void mwi_errno_set(int e) {
  errno = e;
}

/* ---- Output ------------------------------------------------------------ */

int mwi_os_write(int fd, const void *buf, size_t n) {
  const char *p = buf;
  int state = mwi_os_cancel_off(), error = 0;
  while (n && !error) {
    ssize_t r = write(fd, p, n);
    if (r < 0 && errno == EINTR) continue;
    if (r <= 0) {
      error = r < 0 ? -errno : -EIO;
      continue;
    }
    p += r;
    n -= (size_t)r;
  }
  mwi_os_cancel_back(state);
  return error;
}

const char *mwi_os_getenv(const char *name) {
  size_t n = strlen(name);
  for (char **e = environ; e && *e; e++)
    if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return *e + n + 1;
  return NULL;
}
