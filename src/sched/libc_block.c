/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_block.c -- calls that block their thread, and hand its processor over
 *
 * Job      Files, children, locks, signals: what the kernel gives no readiness for; and what the
 *          program asks of `syscall`.
 *          The goroutine keeps its thread; sysmon takes the processor when the
 *          call takes long and others wait.
 * Promise  [LC6] Stops of the world do not wait for such a call and do not signal its
 *          thread, so they neither delay nor interrupt it.
 * How      System calls where they suffice; libc's function where it does more, in
 *          the state SYS: it may hold libc's locks while the world is stopped, and
 *          goes on meanwhile.
 * Next     libc_names.c; stop.c (mwi_syscall_enter), sysmon.c
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/waits.h"
#include "sched/lend.h"
#include "sched/libc.h"

/* clang-format off */
pid_t mwi_rt_waitpid(pid_t pid, int *status, int options);
pid_t mwi_rt_wait(int *status);
pid_t mwi_rt_wait3(int *status, int options, struct rusage *usage);
pid_t mwi_rt_wait4(pid_t pid, int *status, int options, struct rusage *usage);
int mwi_rt_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int mwi_rt_flock(int fd, int op);
int mwi_rt_lockf(int fd, int cmd, off_t len);
int mwi_rt_fsync(int fd);
int mwi_rt_fdatasync(int fd);
void mwi_rt_sync(void);
int mwi_rt_syncfs(int fd);
int mwi_rt_msync(void *p, size_t n, int flags);
int mwi_rt_ftruncate(int fd, off_t len);
ssize_t mwi_rt_pread(int fd, void *buf, size_t n, off_t at);
ssize_t mwi_rt_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t mwi_rt_preadv(int fd, const struct iovec *v, int count, off_t at);
ssize_t mwi_rt_pwritev(int fd, const struct iovec *v, int count, off_t at);
ssize_t mwi_rt_preadv2(int fd, const struct iovec *v, int count, off_t at, int flags);
ssize_t mwi_rt_pwritev2(int fd, const struct iovec *v, int count, off_t at, int flags);
ssize_t mwi_rt_pread_chk(int fd, void *buf, size_t n, off_t at, size_t room);
ssize_t mwi_rt_sendfile(int out, int in, off_t *at, size_t n);
ssize_t mwi_rt_splice(int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags);
ssize_t mwi_rt_vmsplice(int fd, const struct iovec *v, size_t count, unsigned flags);
ssize_t mwi_rt_process_vm_readv(pid_t pid, const struct iovec *v, unsigned long n, const struct iovec *w, unsigned long m, unsigned long flags);
ssize_t mwi_rt_process_vm_writev(pid_t pid, const struct iovec *v, unsigned long n, const struct iovec *w, unsigned long m, unsigned long flags);
ssize_t mwi_rt_copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags);
int mwi_rt_system(const char *command);
int mwi_rt_pause(void);
int mwi_rt_sigsuspend(const sigset_t *mask);
int mwi_rt_sigwait(const sigset_t *restrict set, int *restrict sig);
int mwi_rt_sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info);
int mwi_rt_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout);
int mwi_rt_semop(int id, struct sembuf *ops, size_t n);
int mwi_rt_semtimedop(int id, struct sembuf *ops, size_t n, const struct timespec *timeout);
int mwi_rt_msgsnd(int id, const void *msg, size_t n, int flags);
ssize_t mwi_rt_msgrcv(int id, void *msg, size_t n, long type, int flags);
int mwi_rt_sem_wait(sem_t *s);
int mwi_rt_sem_timedwait(sem_t *restrict s, const struct timespec *restrict at);
int mwi_rt_sem_clockwait(sem_t *restrict s, clockid_t clock, const struct timespec *restrict at);
long mwi_rt_syscall(long number, ...);
_Noreturn void __chk_fail(void);
/* clang-format on */

/* ---- Children ---------------------------------------------------------- */

MWI_EXPORT pid_t mwi_rt_wait4(pid_t pid, int *status, int options, struct rusage *usage) {
  return (pid_t)mwi_result(mwi_call4(mwi_where(), SYS_wait4, pid, status, options, usage));
}
MWI_EXPORT pid_t mwi_rt_wait3(int *status, int options, struct rusage *usage) {
  return mwi_rt_wait4(-1, status, options, usage);
}
MWI_EXPORT pid_t mwi_rt_waitpid(pid_t pid, int *status, int options) {
  return mwi_rt_wait4(pid, status, options, NULL);
}
MWI_EXPORT pid_t mwi_rt_wait(int *status) {
  return mwi_rt_wait4(-1, status, 0, NULL);
}
MWI_EXPORT int mwi_rt_waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
  return (int)mwi_result(mwi_call5(mwi_where(), SYS_waitid, type, id, info, options, NULL));
}

/* ---- Files ------------------------------------------------------------- */

MWI_EXPORT int mwi_rt_flock(int fd, int op) {
  return (int)mwi_result(mwi_call2(mwi_where(), SYS_flock, fd, op));
}
MWI_EXPORT int mwi_rt_lockf(int fd, int cmd, off_t len) {
  MWI_IN_SYS(int, lockf(fd, cmd, len));
}
MWI_EXPORT int mwi_rt_fsync(int fd) {
  return (int)mwi_result(mwi_call1(mwi_where(), SYS_fsync, fd));
}
MWI_EXPORT int mwi_rt_fdatasync(int fd) {
  return (int)mwi_result(mwi_call1(mwi_where(), SYS_fdatasync, fd));
}
MWI_EXPORT void mwi_rt_sync(void) {
  (void)mwi_call1(mwi_where(), SYS_sync, 0);
}
MWI_EXPORT int mwi_rt_syncfs(int fd) {
  return (int)mwi_result(mwi_call1(mwi_where(), SYS_syncfs, fd));
}
MWI_EXPORT int mwi_rt_msync(void *p, size_t n, int flags) {
  return (int)mwi_result(mwi_call3(mwi_where(), SYS_msync, p, n, flags));
}
MWI_EXPORT int mwi_rt_ftruncate(int fd, off_t len) {
  return (int)mwi_result(mwi_call2(mwi_where(), SYS_ftruncate, fd, len));
}
MWI_EXPORT ssize_t mwi_rt_pread(int fd, void *buf, size_t n, off_t at) {
  return mwi_result(mwi_call4(mwi_where(), SYS_pread64, fd, buf, n, at));
}
MWI_EXPORT ssize_t mwi_rt_pwrite(int fd, const void *buf, size_t n, off_t at) {
  return mwi_result(mwi_call4(mwi_where(), SYS_pwrite64, fd, buf, n, at));
}
MWI_EXPORT ssize_t mwi_rt_preadv(int fd, const struct iovec *v, int count, off_t at) {
  return mwi_result(mwi_call5(mwi_where(), SYS_preadv, fd, v, count, at, 0));
}
MWI_EXPORT ssize_t mwi_rt_pwritev(int fd, const struct iovec *v, int count, off_t at) {
  return mwi_result(mwi_call5(mwi_where(), SYS_pwritev, fd, v, count, at, 0));
}
MWI_EXPORT ssize_t mwi_rt_preadv2(int fd, const struct iovec *v, int count, off_t at, int flags) {
  return mwi_result(mwi_call6(mwi_where(), SYS_preadv2, fd, (long)v, count, at, 0, flags));
}
MWI_EXPORT ssize_t mwi_rt_pwritev2(int fd, const struct iovec *v, int count, off_t at, int flags) {
  return mwi_result(mwi_call6(mwi_where(), SYS_pwritev2, fd, (long)v, count, at, 0, flags));
}
MWI_EXPORT ssize_t mwi_rt_pread_chk(int fd, void *buf, size_t n, off_t at, size_t room) {
  if (n > room) __chk_fail();
  return mwi_rt_pread(fd, buf, n, at);
}
MWI_EXPORT ssize_t mwi_rt_sendfile(int out, int in, off_t *at, size_t n) {
  return mwi_result(mwi_call4(mwi_where(), SYS_sendfile, out, in, at, n));
}
MWI_EXPORT ssize_t mwi_rt_splice(int in, off_t *in_at, int out, off_t *out_at, size_t n,
                                 unsigned flags) {
  return mwi_result(
      mwi_call6(mwi_where(), SYS_splice, in, (long)in_at, out, (long)out_at, (long)n, flags));
}
MWI_EXPORT ssize_t mwi_rt_vmsplice(int fd, const struct iovec *v, size_t count, unsigned flags) {
  return mwi_result(mwi_call4(mwi_where(), SYS_vmsplice, fd, v, count, flags));
}
/* Memory of a process, which may be this one. */
MWI_EXPORT ssize_t mwi_rt_process_vm_readv(pid_t pid, const struct iovec *v, unsigned long n,
                                           const struct iovec *w, unsigned long m,
                                           unsigned long flags) {
  return mwi_result(mwi_call6(mwi_where(), SYS_process_vm_readv, pid, (long)v, (long)n, (long)w,
                              (long)m, (long)flags));
}
MWI_EXPORT ssize_t mwi_rt_process_vm_writev(pid_t pid, const struct iovec *v, unsigned long n,
                                            const struct iovec *w, unsigned long m,
                                            unsigned long flags) {
  return mwi_result(mwi_call6(mwi_where(), SYS_process_vm_writev, pid, (long)v, (long)n, (long)w,
                              (long)m, (long)flags));
}
MWI_EXPORT ssize_t mwi_rt_copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t n,
                                          unsigned flags) {
  return mwi_result(mwi_call6(mwi_where(), SYS_copy_file_range, in, (long)in_at, out, (long)out_at,
                              (long)n, flags));
}

/* ---- Commands and signals ---------------------------------------------- */

/* The command is read in the child, by exec. */
MWI_EXPORT int mwi_rt_system(const char *command) {
  enum mwi_where where = mwi_where();
  if (where == MWI_ON_PLAIN) return system(command);
  struct mwi_g *g = mwi_getg();
  struct mwi_lent lent;
  mwi_jumps_wait(g);
  mwi_lend_objects(&lent, command, NULL);
  mwi_lend_note(&lent);
  mwi_syscall_enter();
  int r = MWI_LIBC_ON(where, int, system(command));
  mwi_syscall_exit();
  mwi_lend_back(&lent);
  mwi_jumps_go(g);
  return r;
}
MWI_EXPORT int mwi_rt_pause(void) {
  return (int)mwi_result(mwi_call_restarted(mwi_where(), SYS_pause, 0, 0, 0, 0, 0, 0));
}
MWI_EXPORT int mwi_rt_sigsuspend(const sigset_t *mask) {
  return (int)mwi_result(
      mwi_call_restarted(mwi_where(), SYS_rt_sigsuspend, (long)mask, MWI_SIGSET_BYTES, 0, 0, 0, 0));
}

static long sig_wait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout) {
  long r = mwi_call_restarted(mwi_where(), SYS_rt_sigtimedwait, (long)set, (long)info,
                              (long)timeout, MWI_SIGSET_BYTES, 0, 0);
  if (r >= 0 && info && info->si_code == SI_TKILL) info->si_code = SI_USER; /* as libc does */
  return r;
}

MWI_EXPORT int mwi_rt_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
                                   const struct timespec *restrict timeout) {
  return (int)mwi_result(sig_wait(set, info, timeout));
}
MWI_EXPORT int mwi_rt_sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info) {
  return (int)mwi_result(sig_wait(set, info, NULL));
}
MWI_EXPORT int mwi_rt_sigwait(const sigset_t *restrict set, int *restrict sig) {
  long r;
  do r = sig_wait(set, NULL, NULL);
  while (r == -EINTR);
  if (r < 0) return (int)-r;
  *sig = (int)r;
  return 0;
}

/* ---- System V, and semaphores ------------------------------------------ */

MWI_EXPORT int mwi_rt_semtimedop(int id, struct sembuf *ops, size_t n,
                                 const struct timespec *timeout) {
  return (int)mwi_result(
      mwi_call_restarted(mwi_where(), SYS_semtimedop, id, (long)ops, (long)n, (long)timeout, 0, 0));
}
MWI_EXPORT int mwi_rt_semop(int id, struct sembuf *ops, size_t n) {
  return mwi_rt_semtimedop(id, ops, n, NULL);
}
MWI_EXPORT int mwi_rt_msgsnd(int id, const void *msg, size_t n, int flags) {
  return (int)mwi_result(
      mwi_call_restarted(mwi_where(), SYS_msgsnd, id, (long)msg, (long)n, flags, 0, 0));
}
MWI_EXPORT ssize_t mwi_rt_msgrcv(int id, void *msg, size_t n, long type, int flags) {
  return mwi_result(
      mwi_call_restarted(mwi_where(), SYS_msgrcv, id, (long)msg, (long)n, type, flags, 0));
}

/* libc's own, as any external code, but for what it gives the kernel: a semaphore may be on a
 * stack that is parked. */
#define LENDING(p, q, call)                                                                        \
  do {                                                                                             \
    const long arg[] = {(long)(p), (long)(q)};                                                     \
    struct mwi_lent lent;                                                                          \
    mwi_lend_call(&lent, arg, 2);                                                                  \
    int r;                                                                                         \
    MWI_WHILE_LENT(&lent, r, call);                                                                \
    mwi_lend_over(&lent); /* which leaves errno alone */                                           \
    return r;                                                                                      \
  } while (0)

MWI_EXPORT int mwi_rt_sem_wait(sem_t *s) {
  LENDING(s, NULL, sem_wait(s));
}
MWI_EXPORT int mwi_rt_sem_timedwait(sem_t *restrict s, const struct timespec *restrict at) {
  LENDING(s, at, sem_timedwait(s, at));
}
MWI_EXPORT int mwi_rt_sem_clockwait(sem_t *restrict s, clockid_t clock,
                                    const struct timespec *restrict at) {
  LENDING(s, at, sem_clockwait(s, clock, at));
}

/* ---- Any call --------------------------------------------------------- */

/* libc's syscall has moved an argument over the call's number when a stop's signal comes, so nobody
 * could let the call begin again [LC6].  What it may be asked to do besides waiting cannot be
 * known, and is left to it. */
MWI_EXPORT long mwi_rt_syscall(long number, ...) {
  long a[6];
  va_list ap;
  va_start(ap, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(ap, long); /* as many as libc's takes */
  va_end(ap);
  const struct mwi_os_wait *w = mwi_os_wait_of(number, a);
  if (w) {
    enum mwi_where where = mwi_where();
    bool restarts = w->restarts == MWI_OS_UNTIMED && !mwi_os_wait_is_timed(w, a);
    if (MWI_LIKELY(where != MWI_ON_PLAIN))
      return mwi_result(mwi_call_raw(restarts, where, number, a));
  }
  if (MWI_LIKELY(!mwi_lend_wanted(number, a[0], a[1], a[2], a[3], a[4], a[5])))
    return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  struct mwi_lent lent;
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  mwi_lend(&lent, number, a);
  mwi_lend_note(&lent);
  mwi_jumps_go(g);
  long r = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]); /* no cancellation point */
  mwi_lend_over(&lent);
  return r;
}
