/* SPDX-License-Identifier: MIT */
/*
 * debug/cpuprof.c -- which code uses the processors
 *
 * Job      While a CPU profile is on, take the stack of every thread each
 *          10 ms of the CPU time that it uses, and count equal stacks.
 * Promise  [CP1] The handler allocates nothing and takes no lock; it reads the
 *          interrupted stack with the checks of unwind.h.
 *          [CP2] A thread's samples are in proportion to its own CPU time,
 *          however many threads there are: each has a timer on its own clock.
 * How      SIGPROF's handler writes into a ring of fixed records: one is
 *          claimed by moving `head`, and is complete when its `seq` says so.
 *          The collector of the profile, a plain thread that no signal of ours
 *          reaches, empties the ring into a table, and gives threads that have
 *          appeared their timers.
 * Limits   Threads that live shorter than DRAIN_MS may be missed.  Frames past
 *          FRAMES are left out, as in Go.
 * Signals  The program's own handler of SIGPROF is back after the profile.  If
 *          it had none, ours stays, since a late signal would end the process.
 * Forks    Neither the collector nor timers exist in a child, and what the
 *          collector was changing is half done there.  So the child has no
 *          profile, and leaves that of its parent where it is.
 * Threads  `state` lets one start and one stop pass at a time.
 */
#include "debug/cpuprof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <mallow.h>

#include "debug/traceback.h"
#include "os/context.h"
#include "os/os.h"
#include "os/restart.h"
#include "os/thread.h"
#include "sched/proc.h"

#define PERIOD_NS 10000000
#define FRAMES 64
#define RING 1024 /* between two drains: a hundred busy processors */
#define DRAIN_MS 100

struct record {
  _Atomic uint64_t seq; /* ticket + 1: complete (release); below: free for that ticket */
  uint32_t n, count;
  uintptr_t pc[FRAMES];
};

static struct {
  _Atomic uint64_t head, tail; /* tickets: taken by handlers, drained */
  _Atomic uint64_t lost;
  struct record record[RING];
} *ring; /* constant once made */

enum { OFF, STARTING, ON, STOPPING };
static _Atomic uint32_t state;
static _Atomic uint32_t sampling;          /* handlers record */
static _Atomic uint32_t collector, wanted; /* futexes: the collector runs; is to go on */

/* by the collector, or by who starts or stops it while it does not run */
static struct mwi_profile profile;
static struct timer {
  int32_t tid;
  int id;
  uint32_t round; /* when the thread was last seen */
} *timers;
static size_t ntimers, timers_room;
static uint32_t rounds;
static struct sigaction program_action;

/* ---- The handler ------------------------------------------------------- */

static void take_record(const siginfo_t *info, const void *uc) {
  uint64_t ticket = mwi_load_relaxed(&ring->head);
  do /* acquire: the drain of this record has ended */
    if (ticket - mwi_load_acquire(&ring->tail) >= RING) {
      mwi_add_relaxed(&ring->lost, 1);
      return;
    }
  while (!mwi_cas_acqrel(&ring->head, &ticket, ticket + 1));
  struct record *r = &ring->record[ticket % RING];
  struct mwi_context c;
  struct mwi_unwind u;
  mwi_context_from_signal(&c, uc);
  mwi_unwind_init(&u, &c, true);
  mwi_unwind_allow_current(&u);
  r->n = 0;
  r->count = 1 + (info->si_overrun > 0 ? (uint32_t)info->si_overrun : 0);
  do r->pc[r->n++] = mwi_unwind_pc(&u);
  while (r->n < FRAMES && mwi_unwind_step(&u));
  mwi_store_release(&r->seq, ticket + 1); /* pairs with drain */
}

static void on_sigprof(int sig, siginfo_t *info, void *uc) {
  (void)sig;
  if (info->si_code != SI_TIMER) return;
  int saved = errno;
  if (mwi_load_acquire(&sampling)) take_record(info, uc);
  struct mwi_tcb *t = mwi_tcb();
  if (t->attached && t->m)
    mwi_restart_interrupted(t->m, uc); /* a thread that sleeps uses no CPU, but it may have begun */
  else
    mwi_os_restart_call(uc, -1, NULL);
  errno = saved;
}

/* ---- Timers ------------------------------------------------------------ */

/* The clock of a thread's CPU time, as the kernel numbers it. */
static clockid_t cpu_clock(int32_t tid) {
  return (clockid_t)(~(unsigned)tid << 3 | 6);
}

/* Has the thread that t was made for ended?  Its number may be another's by now.  A timer that
 * repeats has always some time left, and one of a thread that has ended has none. */
static bool stale(const struct timer *t) {
  struct itimerspec left;
  return syscall(SYS_timer_gettime, t->id, &left) != 0 ||
         (left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
}

static void add_timer(int32_t tid) {
  for (size_t i = 0; i < ntimers; i++)
    if (timers[i].tid == tid) {
      if (stale(&timers[i])) break; /* update_timers deletes it, as it was not seen */
      timers[i].round = rounds;
      return;
    }
  if (ntimers == timers_room) {
    size_t room = timers_room ? 2 * timers_room : 64;
    struct timer *more = realloc(timers, room * sizeof *more);
    if (!more) return; /* that thread is missing */
    timers = more;
    timers_room = room;
  }
  struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
  ev._sigev_un._tid = tid;
  struct timer t = {.tid = tid, .round = rounds};
  if (syscall(SYS_timer_create, cpu_clock(tid), &ev, &t.id) != 0) return; /* it has ended */
  struct timespec period = {.tv_nsec = PERIOD_NS}, first = period;
  first.tv_nsec = 1 + (long)(((uint64_t)tid * 0x9e3779b97f4a7c15u >> 32) % PERIOD_NS);
  struct itimerspec when = {.it_value = first, .it_interval = period};
  syscall(SYS_timer_settime, t.id, 0, &when, NULL);
  timers[ntimers++] = t;
}

/* Each thread of the process has a timer, and no other. */
static int update_timers(int32_t but) {
  DIR *d = opendir("/proc/self/task");
  if (!d) return -errno;
  rounds++;
  for (struct dirent *e; (e = readdir(d));) {
    int32_t tid = (int32_t)strtol(e->d_name, NULL, 10);
    if (tid > 0 && tid != but) add_timer(tid);
  }
  closedir(d);
  for (size_t i = ntimers; i-- > 0;)
    if (timers[i].round != rounds) {
      syscall(SYS_timer_delete, timers[i].id);
      timers[i] = timers[--ntimers];
    }
  return 0;
}

static void delete_timers(void) {
  for (size_t i = 0; i < ntimers; i++) syscall(SYS_timer_delete, timers[i].id);
  free(timers);
  timers = NULL;
  ntimers = timers_room = 0;
}

/* ---- The collector of the profile -------------------------------------- */

static void add_samples(const uintptr_t *pc, size_t n, uint64_t count) {
  int64_t value[MWI_PROFILE_VALUES] = {(int64_t)count, (int64_t)count * PERIOD_NS};
  mwi_profile_add(&profile, 0, pc, n, value);
}

static void drain(void) {
  for (;;) {
    uint64_t ticket = mwi_load_relaxed(&ring->tail);
    struct record *r = &ring->record[ticket % RING];
    if (mwi_load_acquire(&r->seq) != ticket + 1) return;
    add_samples(r->pc, r->n, r->count);
    mwi_store_release(&ring->tail, ticket + 1);
  }
}

static void collect(void *unused) {
  (void)unused;
  mwi_os_set_gs(&mwi_tcb_foreign);
  int32_t self = mwi_os_tid();
  while (mwi_load_acquire(&wanted)) {
    mwi_futex_wait(&wanted, 1, (int64_t)DRAIN_MS * 1000000);
    drain();
    if (mwi_load_acquire(&wanted)) update_timers(self);
  }
  drain();
  mwi_store_release(&collector, 0);
}

/* ---- Start and stop ---------------------------------------------------- */

static const struct mwi_profile_kind kind = {
    .name = "cpu",
    .nvalues = 2,
    .value = {{"samples", "count"}, {"cpu", "nanoseconds"}},
    .period = {"cpu", "nanoseconds"},
};

static void let_go_signal(void) {
  void (*old)(int) = program_action.sa_handler;
  if (old != SIG_DFL && old != SIG_IGN) sigaction(SIGPROF, &program_action, NULL);
}

int mwi_cpuprof_start(void) {
  mwi_attach();
  uint32_t off = OFF;
  if (!mwi_cas_acqrel(&state, &off, STARTING)) return -EBUSY;
  int r = -ENOMEM;
  if (!ring) ring = mwi_os.map(sizeof *ring);
  if (!ring) goto failed;
  profile = (struct mwi_profile){.kind = &kind,
                                 .period = PERIOD_NS,
                                 .time_ns = mwi_os_walltime(),
                                 .duration_ns = mwi_os_monotonic()};
  struct sigaction sa = {.sa_sigaction = on_sigprof,
                         .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  mwi_os_fill_mask(&sa.sa_mask); /* no stop while the handler is on a signal's stack */
  struct sigaction old;
  sigaction(SIGPROF, &sa, &old);
  if (old.sa_sigaction != on_sigprof) program_action = old;
  mwi_store_relaxed(&ring->lost, 0);
  mwi_store_release(&sampling, 1);
  mwi_store_relaxed(&wanted, 1);
  mwi_store_relaxed(&collector, 1);
  r = update_timers(0);
  if (r == 0) r = -mwi_os_thread_start(collect, NULL);
  if (r == 0) {
    mwi_store_release(&state, ON);
    return 0;
  }
  mwi_store_release(&sampling, 0);
  delete_timers();
  drain();
  mwi_profile_free(&profile);
  let_go_signal();
failed:
  mwi_store_release(&state, OFF);
  return r;
}

int mwi_cpuprof_stop(struct mwi_profile *p) {
  *p = (struct mwi_profile){.kind = &kind};
  mwi_attach();
  uint32_t on = ON;
  if (!mwi_cas_acqrel(&state, &on, STOPPING)) return -EINVAL;
  mwi_store_release(&sampling, 0);
  mwi_store_release(&wanted, 0);
  mwi_futex_wake(&wanted, 1);
  while (mwi_load_acquire(&collector)) mw_sleep(1000000); /* pairs with collect's release */
  delete_timers();
  let_go_signal();
  uint64_t lost = mwi_load_relaxed(&ring->lost);
  if (lost) add_samples(NULL, 0, lost);
  *p = profile;
  p->duration_ns = mwi_os_monotonic() - profile.duration_ns;
  profile = (struct mwi_profile){.kind = &kind};
  mwi_store_release(&state, OFF);
  return p->failed ? -ENOMEM : 0;
}

static _Atomic int output = -1; /* mw_pprof_start_cpu's */

/* The caller is the only thread, and no handler of ours is under way. */
void mwi_cpuprof_forget(void) {
  bool was_on = mwi_load_relaxed(&state) != OFF;
  mwi_store_relaxed(&sampling, 0);
  mwi_store_relaxed(&wanted, 0);
  mwi_store_relaxed(&collector, 0);
  mwi_store_relaxed(&output, -1);
  timers = NULL;
  ntimers = timers_room = 0;
  profile = (struct mwi_profile){.kind = &kind};
  ring = NULL; /* with tickets that nobody completes */
  if (was_on) let_go_signal();
  mwi_store_relaxed(&state, OFF);
}

/* ---- The program's calls ----------------------------------------------- */

MWI_EXPORT int mw_pprof_start_cpu(int fd) {
  int cancel = mwi_cancel_off();
  int r = fcntl(fd, F_GETFD) < 0 ? -EBADF : mwi_cpuprof_start();
  mwi_cancel_back(cancel);
  if (r == 0) {
    mwi_store_release(&output, fd);
    return 0;
  }
  mwi_errno_set(-r);
  return -1;
}

MWI_EXPORT int mw_pprof_stop_cpu(void) {
  int cancel = mwi_cancel_off(), fd = mwi_xchg_acqrel(&output, -1);
  struct mwi_profile p;
  int r = fd >= 0 ? mwi_cpuprof_stop(&p) : -EINVAL; /* another's, over HTTP, is not ours to stop */
  if (fd >= 0) {
    if (r == 0) r = mwi_profile_write_proto(&p, fd);
    mwi_profile_free(&p);
  }
  mwi_cancel_back(cancel);
  if (r == 0) return 0;
  mwi_errno_set(-r);
  return -1;
}
