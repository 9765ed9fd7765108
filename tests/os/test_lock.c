/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_lock.c -- the runtime's mutexes, their ranks, the futex below them
 *
 * Contention under ThreadSanitizer is the proof that the lock orders memory.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake/fake_fatal.h"
#include "os/asymlock.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/thread.h"

enum { THREADS = 6, EACH = 30000 };
static struct mwi_lock lock = MWI_LOCK_INIT(MWI_RANK_SCHED);
static long counter, twin; /* plain: the lock makes them safe */

static void *count(void *arg) {
  (void)arg;
  mwi_test_thread_init();
  for (int i = 0; i < EACH; i++) {
    if (i % 7 == 0) {
      while (!mwi_trylock(&lock)) mwi_pause();
    } else {
      mwi_lock(&lock);
    }
    counter++;
    if (i % 1000 == 0) { /* make waiters sleep */
      struct timespec ts = {0, 100000};
      nanosleep(&ts, NULL);
    }
    twin++;
    mwi_unlock(&lock);
  }
  return NULL;
}

static void contention(void **state) {
  (void)state;
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(mwi_real_pthread_create(&t[i], NULL, count, NULL), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  assert_int_equal(counter, THREADS * EACH);
  assert_int_equal(twin, THREADS * EACH);
  assert_false(mwi_lock_held(&lock));
}

/* The lock that is released with a plain store: the same, where membarrier is to be
 * had, where it is not, and where it is refused to those who counted on it. */
static struct mwi_asymlock asym = MWI_ASYMLOCK_INIT(MWI_RANK_CHAN);

static void *count_asym(void *arg) {
  (void)arg;
  mwi_test_thread_init();
  for (int i = 0; i < EACH; i++) {
    mwi_asym_lock(&asym);
    counter++;
    if (i % 1000 == 0) {
      struct timespec ts = {0, 100000};
      nanosleep(&ts, NULL);
    }
    twin++;
    mwi_asym_unlock(&asym);
  }
  return NULL;
}

static void asym_contention(void) {
  counter = twin = 0;
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(mwi_real_pthread_create(&t[i], NULL, count_asym, NULL), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  assert_int_equal(counter, THREADS * EACH);
  assert_int_equal(twin, THREADS * EACH);
  assert_int_equal(mwi_load_relaxed(&asym.sleepers), 0);
  assert_true(mwi_asym_looks_free(&asym));
}

static void asym_plain(void **state) {
  (void)state;
  mwi_asymlock_init();
  if (!mwi_asymlock_plain) skip(); /* no membarrier here */
  asym_contention();
}

static void asym_exchange(void **state) {
  (void)state;
  mwi_asymlock_plain = false;
  asym_contention();
}

/* A child's membarrier, under a filter that refuses it. */
static void asym_refused(void **state) {
  (void)state;
  mwi_asymlock_init();
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof f / sizeof f[0], f};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
      _exit(77);
    asym_contention();
    _exit(counter == THREADS * EACH && twin == counter ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) skip(); /* no filters here */
  assert_int_equal(WEXITSTATUS(status), 0);
}

/*
 * [J1], step by step: the holder has loaded `sleepers`, which was 0, and its store to `state` is
 * still in the store buffer.  Only a barrier that comes after the sleeper has announced itself
 * brings the store out; here the barrier is a trapped system call, and what traps plays the buffer.
 * Without it, or with one too early, the sleeper goes to sleep, and nobody would wake it.
 */
enum { NO_FILTERS = 77, EARLY = 2, ASLEEP, UNFINISHED };
static volatile sig_atomic_t barriers, early, sleeps;

static void trapped(int sig, siginfo_t *info, void *uc_) {
  (void)sig;
  ucontext_t *uc = uc_;
  if (info->si_syscall == SYS_membarrier) {
    barriers++;
    if (mwi_load_relaxed(&asym.sleepers) == 0) early++;
  } else {
    sleeps++;
  }
  mwi_store_relaxed(&asym.state, 0);
  uc->uc_mcontext.gregs[REG_RAX] = 0;
}

static int lock_with_a_store_in_the_buffer(void) {
  struct sigaction sa = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
  struct sock_filter f[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog prog = {sizeof f / sizeof f[0], f};
  if (sigaction(SIGSYS, &sa, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
    return NO_FILTERS;
  mwi_store_relaxed(&asym.state, 1);
  mwi_asym_lock(&asym);
  if (sleeps) return ASLEEP;
  if (early) return EARLY;
  return barriers == 1 && mwi_load_relaxed(&asym.state) == 1 &&
                 mwi_load_relaxed(&asym.sleepers) == 0
             ? 0
             : UNFINISHED;
}

static void asym_barrier(void **state) {
  (void)state;
  mwi_asymlock_init();
  if (!mwi_asymlock_plain || __has_feature(thread_sanitizer)) skip();
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) _exit(lock_with_a_store_in_the_buffer());
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == NO_FILTERS) skip();
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* A process keeps membarrier over a fork: the child need not ask again. */
static void asym_forked(void **state) {
  (void)state;
  mwi_asymlock_init();
  if (!mwi_asymlock_plain) skip();
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) _exit(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ? 0 : 1);
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

/* A lock holder is not stopped [T1]. */
static void holding_counts(void **state) {
  (void)state;
  int32_t before = mwi_tcb()->rt;
  mwi_lock(&lock);
  assert_int_equal(mwi_tcb()->rt, before + 1);
  assert_false(mwi_trylock(&lock));
  assert_int_equal(mwi_tcb()->rt, before + 1);
  mwi_unlock(&lock);
  assert_int_equal(mwi_tcb()->rt, before);
}

static void ranks(void **state) {
  (void)state;
  static struct mwi_lock gc = MWI_LOCK_INIT(MWI_RANK_GC), heap = MWI_LOCK_INIT(MWI_RANK_MHEAP),
                         heap2 = MWI_LOCK_INIT(MWI_RANK_MHEAP), a = MWI_LOCK_INIT(MWI_RANK_CHAN),
                         b = MWI_LOCK_INIT(MWI_RANK_CHAN);
  mwi_lock(&gc);
  mwi_lock(&heap);
  mwi_unlock(&gc); /* in any order */
  mwi_unlock(&heap);
  mwi_lock(&a);
  mwi_lock(&b); /* select takes several channels */
  mwi_unlock(&a);
  mwi_unlock(&b);
  mwi_lock(&heap);
  EXPECT_FATAL("lock rank", mwi_lock(&gc));
  EXPECT_FATAL("lock rank", mwi_lock(&heap2));
  EXPECT_FATAL("lock rank", mwi_lock(&heap));
  mwi_unlock(&heap);
  mwi_tcb()->rt = 0; /* the fatal ones left theirs */
}

static _Atomic uint32_t word;
static void *waker(void *arg) {
  (void)arg;
  mwi_test_thread_init();
  struct timespec ts = {0, 20000000};
  nanosleep(&ts, NULL);
  mwi_store_release(&word, 1);
  mwi_futex_wake(&word, 1);
  return NULL;
}

static void futex(void **state) {
  (void)state;
  assert_true(mwi_futex_wait(&word, 7, -1)); /* another value: returns at once */
  int64_t before = mwi_os_monotonic();
  assert_false(mwi_futex_wait(&word, 0, 20000000));
  assert_true(mwi_os_monotonic() - before >= 19000000);
  pthread_t t;
  assert_int_equal(mwi_real_pthread_create(&t, NULL, waker, NULL), 0);
  while (!mwi_load_acquire(&word)) mwi_futex_wait(&word, 0, -1);
  pthread_join(t, NULL);
}

int main(void) {
  mwi_test_thread_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contention),     cmocka_unit_test(asym_plain),
      cmocka_unit_test(asym_exchange),  cmocka_unit_test(asym_barrier),
      cmocka_unit_test(asym_refused),   cmocka_unit_test(asym_forked),
      cmocka_unit_test(holding_counts), cmocka_unit_test(ranks),
      cmocka_unit_test(futex),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
