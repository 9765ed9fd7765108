/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_lock.c -- libc's locks belong to threads
 *
 * Job      Compiled code's pthread and C11 mutexes, read-write locks and stream locks; its yields.
 *          A recursive, error-checking or robust mutex, and a stream's lock, know
 *          their owner by its thread; any lock of these blocks the thread of
 *          whoever wants it next.
 * Promise  [LK1] From lock to unlock the goroutine stays on its thread, and no
 *          other goroutine runs there: so the owner is the right one, another
 *          goroutine that wants the lock has another thread, and a goroutine
 *          that is preempted with a lock held does not leave it behind.
 *          [LK2] Who has to wait gives its processor away at once, and no stop of the
 *          world waits for it, or sends it a signal: threads of the program's too.
 *          [LK3] Who yields lets those run that wait for a processor, at its next yields and
 *          not at the end of a time slice: threads of the program's too.
 * How      A held lock is a reason to stay (MWI_PIN_LOCK).  Locks are first
 *          tried; waiting is a wait that the runtime knows of.
 * Limits   A lock that external code takes and leaves locked when it returns
 *          is not seen: mw_thread_lock.  A goroutine that ends with
 *          a lock held leaves it locked, as if its thread had gone on.
 * Rejected wrapping the functions for all code, by interposing: libraries' locks
 *          are held across our code only in callbacks, which stay anyway [X1].
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <threads.h>
#include <time.h>

#include <mallow.h>

#include "gc/gc.h"
#include "sched/lend.h"
#include "sched/libc.h"
#include "sched/netpoll.h"
#include "sched/proc.h"

/* A goroutine of ours; threads of the program's are bound as it is. */
static struct mwi_g *goroutine(void) {
  struct mwi_tcb *t = mwi_tcb();
  return t->attached && t->g && !t->g->foreign && !t->sig ? t->g : NULL;
}

static int got(struct mwi_g *g, int r) {
  if (g && (r == 0 || r == EOWNERDEAD)) mwi_pin(g, MWI_PIN_LOCK);
  return r;
}

static int gave(struct mwi_g *g, int r) {
  if (g && r == 0) mwi_unpin(g, MWI_PIN_LOCK);
  return r;
}

/* x, while what lies at p and q may be on a stack that is parked: libc's futex calls read it. */
#define LENDING(p, q, x)                                                                           \
  __extension__({                                                                                  \
    struct mwi_lent lent;                                                                          \
    mwi_lend_objects(&lent, (p), (q));                                                             \
    int lent_result;                                                                               \
    MWI_WHILE_LENT(&lent, lent_result, x);                                                         \
    mwi_lend_back(&lent);                                                                          \
    lent_result;                                                                                   \
  })

/* [LK2], of whoever is about to block: it has left its processor for others to take, and a stopper
 * need not ask it. */
__attribute__((unused)) static bool holds_up_nobody(void) {
  uint32_t state = mwi_load_relaxed(&mwi_self()->state);
  return !mwi_tcb()->p && (state == MWI_M_SYS || state == MWI_M_HELD);
}
#define BLOCKS(x) (mwi_assert(holds_up_nobody()), (x))
/* ... or is no business of the runtime's: a thread that has not met it, a handler. */
__attribute__((unused)) static bool is_outside(void) {
  const struct mwi_tcb *t = mwi_tcb();
  return !t->attached || t->sig || t->rt > 0;
}
#define BLOCKS_OUTSIDE(x) (mwi_assert(is_outside()), (x))

/* x, a MWI_LIBC, in SYS; meanwhile p and q are lent. */
#define IN_SYS(p, q, x)                                                                            \
  __extension__({                                                                                  \
    struct mwi_g *in_g = mwi_getg();                                                               \
    mwi_jumps_wait(in_g);                                                                          \
    mwi_attach();                                                                                  \
    struct mwi_lent lent;                                                                          \
    mwi_lend_objects(&lent, (p), (q));                                                             \
    mwi_lend_note(&lent);                                                                          \
    mwi_syscall_enter();                                                                           \
    int in_sys;                                                                                    \
    MWI_WHILE_LENT(&lent, in_sys, x);                                                              \
    mwi_syscall_exit();                                                                            \
    mwi_lend_back(&lent);                                                                          \
    mwi_jumps_go(in_g);                                                                            \
    in_sys;                                                                                        \
  })

/* `now` has not got it; `later` waits.  The reason to stay comes before the way
 * back, where the goroutine could change threads. */
#define WAIT_FOR(lock, now, later)                                                                 \
  do {                                                                                             \
    struct mwi_g *g = goroutine();                                                                 \
    int r = (now);                                                                                 \
    if (r != EBUSY) return got(g, r);                                                              \
    if (!g && mwi_where() != MWI_ON_THREAD) return LENDING(lock, NULL, BLOCKS_OUTSIDE(later));     \
    if (!g) return IN_SYS(lock, NULL, MWI_LIBC_CANCELABLE(int, BLOCKS(later)));                    \
    return IN_SYS(lock, NULL, MWI_LIBC(int, got(g, BLOCKS(later))));                               \
  } while (0)

/* A wait with the lock held before and after. */
#define WAIT_HOLDING(cond, lock, call)                                                             \
  do {                                                                                             \
    if (goroutine()) return IN_SYS(cond, lock, MWI_LIBC(int, BLOCKS(call)));                       \
    if (mwi_where() != MWI_ON_THREAD) return LENDING(cond, lock, BLOCKS_OUTSIDE(call));            \
    return IN_SYS(cond, lock, MWI_LIBC_CANCELABLE(int, BLOCKS(call)));                             \
  } while (0)

typedef pthread_mutex_t mutex;
typedef pthread_rwlock_t rwlock;
typedef const struct timespec *deadline;

int mwi_rt_pthread_mutex_lock(mutex *m);
int mwi_rt_pthread_mutex_trylock(mutex *m);
int mwi_rt_pthread_mutex_timedlock(mutex *m, deadline at);
int mwi_rt_pthread_mutex_clocklock(mutex *m, clockid_t clock, deadline at);
int mwi_rt_pthread_mutex_unlock(mutex *m);
int mwi_rt_pthread_cond_wait(pthread_cond_t *c, mutex *m);
int mwi_rt_pthread_cond_timedwait(pthread_cond_t *c, mutex *m, deadline at);
int mwi_rt_pthread_cond_clockwait(pthread_cond_t *c, mutex *m, clockid_t clock, deadline at);
int mwi_rt_pthread_rwlock_rdlock(rwlock *l);
int mwi_rt_pthread_rwlock_wrlock(rwlock *l);
int mwi_rt_pthread_rwlock_tryrdlock(rwlock *l);
int mwi_rt_pthread_rwlock_trywrlock(rwlock *l);
int mwi_rt_pthread_rwlock_timedrdlock(rwlock *l, deadline at);
int mwi_rt_pthread_rwlock_timedwrlock(rwlock *l, deadline at);
int mwi_rt_pthread_rwlock_unlock(rwlock *l);
void mwi_rt_flockfile(FILE *f);
int mwi_rt_ftrylockfile(FILE *f);
void mwi_rt_funlockfile(FILE *f);

MWI_EXPORT int mwi_rt_pthread_mutex_lock(mutex *m) {
  WAIT_FOR(m, pthread_mutex_trylock(m), pthread_mutex_lock(m));
}
MWI_EXPORT int mwi_rt_pthread_mutex_trylock(mutex *m) {
  return got(goroutine(), pthread_mutex_trylock(m));
}
MWI_EXPORT int mwi_rt_pthread_mutex_timedlock(mutex *m, deadline at) {
  WAIT_FOR(m, pthread_mutex_trylock(m), pthread_mutex_timedlock(m, at));
}
MWI_EXPORT int mwi_rt_pthread_mutex_clocklock(mutex *m, clockid_t clock, deadline at) {
  WAIT_FOR(m, pthread_mutex_trylock(m), pthread_mutex_clocklock(m, clock, at));
}
MWI_EXPORT int mwi_rt_pthread_mutex_unlock(mutex *m) {
  return gave(goroutine(), pthread_mutex_unlock(m));
}

MWI_EXPORT int mwi_rt_pthread_cond_wait(pthread_cond_t *c, mutex *m) {
  WAIT_HOLDING(c, m, pthread_cond_wait(c, m));
}
MWI_EXPORT int mwi_rt_pthread_cond_timedwait(pthread_cond_t *c, mutex *m, deadline at) {
  WAIT_HOLDING(c, m, pthread_cond_timedwait(c, m, at));
}
MWI_EXPORT int mwi_rt_pthread_cond_clockwait(pthread_cond_t *c, mutex *m, clockid_t clock,
                                             deadline at) {
  WAIT_HOLDING(c, m, pthread_cond_clockwait(c, m, clock, at));
}

MWI_EXPORT int mwi_rt_pthread_rwlock_rdlock(rwlock *l) {
  WAIT_FOR(l, pthread_rwlock_tryrdlock(l), pthread_rwlock_rdlock(l));
}
MWI_EXPORT int mwi_rt_pthread_rwlock_wrlock(rwlock *l) {
  WAIT_FOR(l, pthread_rwlock_trywrlock(l), pthread_rwlock_wrlock(l));
}
MWI_EXPORT int mwi_rt_pthread_rwlock_tryrdlock(rwlock *l) {
  return got(goroutine(), pthread_rwlock_tryrdlock(l));
}
MWI_EXPORT int mwi_rt_pthread_rwlock_trywrlock(rwlock *l) {
  return got(goroutine(), pthread_rwlock_trywrlock(l));
}
MWI_EXPORT int mwi_rt_pthread_rwlock_timedrdlock(rwlock *l, deadline at) {
  WAIT_FOR(l, pthread_rwlock_tryrdlock(l), pthread_rwlock_timedrdlock(l, at));
}
MWI_EXPORT int mwi_rt_pthread_rwlock_timedwrlock(rwlock *l, deadline at) {
  WAIT_FOR(l, pthread_rwlock_trywrlock(l), pthread_rwlock_timedwrlock(l, at));
}
MWI_EXPORT int mwi_rt_pthread_rwlock_unlock(rwlock *l) {
  return gave(goroutine(), pthread_rwlock_unlock(l));
}

static int lock_file(FILE *f) {
  flockfile(f);
  return 0;
}
static int wait_for_file(FILE *f) {
  WAIT_FOR(f, ftrylockfile(f) == 0 ? 0 : EBUSY, lock_file(f));
}
MWI_EXPORT void mwi_rt_flockfile(FILE *f) {
  (void)wait_for_file(f);
}
MWI_EXPORT int mwi_rt_ftrylockfile(FILE *f) {
  return got(goroutine(), ftrylockfile(f));
}
MWI_EXPORT void mwi_rt_funlockfile(FILE *f) {
  funlockfile(f);
  (void)gave(goroutine(), 0);
}

/* ---- C11 ---------------------------------------------------------------- */

int mwi_rt_mtx_lock(mtx_t *m);
int mwi_rt_mtx_trylock(mtx_t *m);
int mwi_rt_mtx_timedlock(mtx_t *m, deadline at);
int mwi_rt_mtx_unlock(mtx_t *m);
int mwi_rt_cnd_wait(cnd_t *c, mtx_t *m);
int mwi_rt_cnd_timedwait(cnd_t *c, mtx_t *m, deadline at);
int mwi_rt_thrd_sleep(deadline want, struct timespec *left);
void mwi_rt_thrd_yield(void);
int mwi_rt_sched_yield(void);

/* A program that has functions of these names has them called by us, too, since its symbols come
 * before libc's: compiled code, which is to run as it is. */
static bool programs_own(void) {
  return mwi_text_contains((uintptr_t)mtx_lock) || mwi_text_contains((uintptr_t)mtx_trylock) ||
         mwi_text_contains((uintptr_t)mtx_unlock) || mwi_text_contains((uintptr_t)cnd_wait);
}

_Static_assert(thrd_success == 0, "got and gave");
static int or_ebusy(int r) {
  return r == thrd_busy ? EBUSY : r;
}

MWI_EXPORT int mwi_rt_mtx_lock(mtx_t *m) {
  if (programs_own()) return mtx_lock(m);
  WAIT_FOR(m, or_ebusy(mtx_trylock(m)), mtx_lock(m));
}
MWI_EXPORT int mwi_rt_mtx_trylock(mtx_t *m) {
  return programs_own() ? mtx_trylock(m) : got(goroutine(), mtx_trylock(m));
}
MWI_EXPORT int mwi_rt_mtx_timedlock(mtx_t *m, deadline at) {
  if (programs_own()) return mtx_timedlock(m, at);
  WAIT_FOR(m, or_ebusy(mtx_trylock(m)), mtx_timedlock(m, at));
}
MWI_EXPORT int mwi_rt_mtx_unlock(mtx_t *m) {
  return programs_own() ? mtx_unlock(m) : gave(goroutine(), mtx_unlock(m));
}
/* NOLINTBEGIN(bugprone-spuriously-wake-up-functions): these are the waits whose callers loop */
MWI_EXPORT int mwi_rt_cnd_wait(cnd_t *c, mtx_t *m) {
  if (programs_own()) return cnd_wait(c, m);
  WAIT_HOLDING(c, m, cnd_wait(c, m));
}
MWI_EXPORT int mwi_rt_cnd_timedwait(cnd_t *c, mtx_t *m, deadline at) {
  if (programs_own()) return cnd_timedwait(c, m, at);
  WAIT_HOLDING(c, m, cnd_timedwait(c, m, at));
}
/* NOLINTEND(bugprone-spuriously-wake-up-functions) */

/* -1: a signal came; less: another error. */
MWI_EXPORT int mwi_rt_thrd_sleep(deadline want, struct timespec *left) {
  if (mwi_text_contains((uintptr_t)thrd_sleep)) return thrd_sleep(want, left);
  int r = mwi_rt_clock_nanosleep(CLOCK_REALTIME, 0, want, left);
  return r == 0 ? 0 : r == EINTR ? -1 : -2;
}

/* Is there anybody whose turn it could be on this processor? */
static bool others_wait(void) {
  struct mwi_p *p = mwi_tcb()->p;
  if (!p) return false; /* then the way back from SYS gets in line */
  if (!mwi_runq_empty(p) || mwi_load_relaxed(&mwi_sched.runq_size) ||
      mwi_load_relaxed(&mwi_netpoll_due))
    return true;
  int64_t when = mwi_timers_next(p->timers);
  return when != INT64_MAX && when <= mwi_os_monotonic();
}

#if MW_CHECK
/* [LK3]: whoever is in a queue when this thread yields, somebody is taken up before it has yielded
 * IN_VAIN times in a row.  Once it may meet itself first (find.c looks at the global queue now and
 * then), and another thread may have taken the one that was seen, and not begun yet. */
enum { IN_VAIN = 32 };
static bool queued(void) {
  struct mwi_p *p = mwi_tcb()->p;
  return p && (!mwi_runq_empty(p) || mwi_load_relaxed(&mwi_sched.runq_size));
}
static uint32_t taken_up(void) {
  uint32_t n = 0;
  for (int i = 0; i < mwi_sched.nprocs; i++) n += mwi_load_relaxed(&mwi_sched.procs[i]->tick);
  return n;
}
static void check_turns(bool somebody, uint32_t before) {
  uint32_t *n = &mwi_self()->yields_in_vain;
  *n = somebody && taken_up() - before < 2 ? *n + 1 : 0; /* one is ourselves */
  mwi_assert(*n < IN_VAIN);
}
#else
MWI_INLINE bool queued(void) {
  return false;
}
MWI_INLINE uint32_t taken_up(void) {
  return 0;
}
MWI_INLINE void check_turns(bool somebody, uint32_t before) {
  (void)somebody, (void)before;
}
#endif

/* Others' turn: goroutines' as well as threads'.  Who is bound to its thread gives its processor
 * away for that, which costs some switches, so only if somebody waits; and gets in line where
 * threads of the program's wait for a processor, too, or it would be its own turn again.
 * Else it is the kernel's business, which may be long about it: in SYS. */
static int yield(void) {
  if (mwi_where() == MWI_ON_PLAIN) return sched_yield();
  struct mwi_g *g = mwi_getg();
  long r = 0;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  uint32_t turns = taken_up();
  bool somebody = queued();
  bool bound = mwi_bound(mwi_self(), g), hand_over = bound && others_wait();
  mwi_rt_leave();
  if (!bound) mw_yield();
  if (hand_over) {
    mwi_preempt();
    check_turns(somebody, turns);
  } else {
    mwi_syscall_enter();
    r = mwi_sys0(SYS_sched_yield);
    mwi_syscall_exit();
  }
  mwi_jumps_go(g);
  return (int)mwi_result(r);
}
MWI_EXPORT void mwi_rt_thrd_yield(void) {
  (void)yield();
}
MWI_EXPORT int mwi_rt_sched_yield(void) {
  return yield();
}
