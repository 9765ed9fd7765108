/* SPDX-License-Identifier: MIT */
/*
 * os/os.h -- what the runtime asks of the operating system (internal)
 *
 * Job      Virtual memory, futexes, clocks, threads, signals, segment base.
 *          Only src/os knows Linux or a CPU.  The table `mwi_os` lets tests
 *          replace memory and clock by fakes and lets failure injection
 *          (MALLOW_FAIL, os/inject.c) make the n-th call fail.
 * Errors   NULL, false or -errno as said at each; state is then unchanged.
 * Stacks   every function runs on any stack and allocates nothing from libc.
 */
#ifndef MWI_OS_OS_H
#define MWI_OS_OS_H

#include <signal.h>

#include "base/base.h"

/* Memory states of a range: reserved (no access) -> committed (zero on first
 * touch) -> released (contents dropped, reads as zero, still committed). */
struct mwi_os_ops {
  void *(*reserve)(size_t bytes, size_t align); /* NULL: no address space */
  bool (*commit)(void *p, size_t bytes);        /* reserved -> read/write; false: no memory */
  bool (*release)(void *p, size_t bytes);       /* give the pages back; they read as zero after */
  void (*unreserve)(void *p, size_t bytes);
  void *(*map)(size_t bytes); /* reserve + commit; NULL: no memory */
  int64_t (*nanotime)(void);  /* monotonic, ns */
};
extern struct mwi_os_ops mwi_os;

int64_t mwi_os_monotonic(void); /* mwi_os.nanotime, unless faked */
/* A free-running counter, some GHz; not synchronised between processors. */
MWI_INLINE uint64_t mwi_os_cycles(void) {
  return __builtin_ia32_rdtsc();
}
int64_t mwi_os_walltime(void);        /* ns since 1970 */
int64_t mwi_os_thread_cputime(void);  /* ns of CPU that the calling thread used */
int64_t mwi_os_process_cputime(void); /* and that all threads used */
uint64_t mwi_os_page_faults(void);    /* of the process, those without input and output */
/* Not 0, and not to be guessed where the kernel has entropy: for seeds. */
uint32_t mwi_os_random(void);
unsigned mwi_os_ncpu(void); /* CPUs in the affinity mask, >= 1 */
size_t mwi_os_page_bytes(void);

/* The smallest memory limit of the control groups that this process is in, bytes; UINT64_MAX:
 * none.  root: what to put in front of /proc and /sys, "" but in tests.  Start-up only. */
uint64_t mwi_os_cgroup_limit(const char *root);
/* What this process may map, bytes; 0: no limit.  Of address space, or, *strict (may be NULL), of
 * what can be written, because vm.overcommit_memory is 2: as it was when first asked. */
size_t mwi_os_space_limit(bool *strict);
size_t
mwi_os_promised_limit(const char *root); /* the second alone, asked for anew; root as above */
/* Ask for huge pages there; the kernel may have none. */
void mwi_os_want_huge(void *p, size_t bytes);

/* Off-heap memory for the runtime's own structures, zeroed, `align` aligned.
 * Never given back.  Lack of memory is fatal. */
void mwi_meta_count(size_t bytes); /* mapped elsewhere, counted as metadata */
void *mwi_meta_alloc(size_t bytes, size_t align);
size_t mwi_meta_total(void); /* bytes taken from the OS for this */
/* Such memory that comes and goes: records of one size, each used again by the next that is taken.
 * Under a lock of the owner's.  A record that has been given back begins with a link. */
struct mwi_meta_free {
  void *first;
};
void *mwi_meta_take(struct mwi_meta_free *list, size_t bytes, size_t align); /* not zeroed */
void mwi_meta_give(struct mwi_meta_free *list, void *record);

/* Futex: wait while *addr == val, at most timeout_ns (< 0: for ever).
 * Spurious returns happen.  false: timed out. */
bool mwi_futex_wait(_Atomic uint32_t *addr, uint32_t val, int64_t timeout_ns);
void mwi_futex_wake(_Atomic uint32_t *addr, int n);

/* A pthread running fn(arg) with all signals as in the caller; detached.
 * 0 or errno. */
int mwi_os_thread_start(void (*fn)(void *), void *arg);
int32_t mwi_os_tid(void);
/* Send the stop signal to a thread of this process. */
void mwi_os_signal_thread(int32_t tid, int sig);
/* Does that thread of this process run, or wait for a CPU?  *cpu_ns: what it has had of one.
 * false as well where the kernel does not say (no /proc). */
bool mwi_os_thread_runnable(int32_t tid, int64_t *cpu_ns);
/* The calling thread's own stack: returns its highest address; *lo, where its guard ends, 0 for the
 * initial thread's, which grows up to RLIMIT_STACK. */
uintptr_t mwi_os_stack(uintptr_t *lo);

void mwi_os_set_gs(void *base);
/* Vector state in a signal frame, at fpregs of its context: as much as the kernel has written,
 * which is less than the processor has if the process has not asked for all of it (AMX). */
size_t mwi_os_vectors_bytes(const void *at);
/* For sa_mask: all signals, and the one that libc's pthread_cancel sends, which sigfillset leaves
 * out.  On top of another handler libc only notes that one (glibc 2.41 looks where it came), and
 * the call that the handler has interrupted, restarted, does not look at notes. */
void mwi_os_fill_mask(sigset_t *set);
#define MWI_SIGSET_BYTES (_NSIG / 8) /* of a set, the kernel's; libc's are longer */
void mwi_os_yield(void);
unsigned mwi_os_cpu(void); /* where the calling thread was a moment ago */
/* Move the calling thread to that CPU, if its affinity mask has it; it is not kept there. */
void mwi_os_go_to_cpu(unsigned cpu);
void mwi_os_usleep(int64_t us);
/*
 * libc's calls that are cancellation points are none of the runtime's: a thread of the program's
 * that is cancelled (pthread_cancel) would leave locks and a stopped world behind.  From off to
 * back the caller, a thread and no goroutine, is not cancelled; off returns what back is given.
 * The functions of this file see to it themselves.
 */
int mwi_os_cancel_off(void);
void mwi_os_cancel_back(int state);

/* errno of the thread that runs at this moment.  libc declares its address
 * constant, so the compiler would use the old thread's after a migration.
 * mwi_os_errno_at: constant for the calling thread, not for the goroutine. */
int *mwi_os_errno_at(void);
int mwi_errno_get(void);
void mwi_errno_set(int e);

/* Write all of buf to fd, without libc's buffers.  0 or -errno. */
int mwi_os_write(int fd, const void *buf, size_t n);
/* getenv's answer, from the environment itself: a program may define getenv (bash does), in
 * compiled code that calls the runtime, which is not there yet. */
const char *mwi_os_getenv(const char *name);

#endif
