/* SPDX-License-Identifier: MIT */
/*
 * init.c -- start-up order, on one screen
 *
 *   constructor   %gs of the initial thread (os/thread.c); modules register
 *   first use     knobs, heap, scheduler, signals: mwi_init_once
 *   main          the initial thread becomes M 0 and runs `main` as goroutine
 *                 1 on a large stack; when that returns, the process exits
 *
 * A program whose `main` was not compiled by mallow never gets to the last
 * line: its threads are attached one by one (sched/m.c).
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <mallow.h>

#include "base/knobs.h"
#include "debug/fatal.h"
#include "debug/http.h"
#include "debug/memprof.h"
#include "debug/memstats.h"
#include "debug/profile.h"
#include "gc/gc.h"
#include "os/asymlock.h"
#include "os/inject.h"
#include "os/thread.h"
#include "sched/kept.h"
#include "sched/proc.h"
#include "sched/stack.h"

/* Address space; pages come when touched.  An eighth of it at most, where it is limited. */
static size_t main_stack_bytes(void) {
  size_t most = mwi_stack_max(), limit = mwi_os_space_limit(NULL);
  return limit && limit / 8 < most ? mwi_align_up(limit / 8, 4096) : most;
}

static void init(void) {
  mwi_knobs_init();
  const char *why = mwi_os_threads_uncovered();
  if (why) mwi_fatal("%s", why);
  mwi_inject_init();
  mwi_asymlock_init();
  mwi_sched.start_ns = mwi_os_monotonic();
  mwi_heap_init();
  mwi_gchooks_init();
  mwi_jumps_init();
  mwi_gc_init();
  mwi_due_goroutines_init();
  mwi_memstats_init();
  mwi_memprof_init();
  mwi_profile_init();
  mwi_forked_init();
  mwi_stop_init();
  mwi_crash_init();
  mwi_fold_init();
  int n = mwi_knobs.gomaxprocs ? mwi_knobs.gomaxprocs : (int)mwi_os_ncpu();
  /* On mwi_tcb_foreign still: processors exist before the first thread does. */
  mwi_procs_init(n);
  mwi_sysmon_init();
  mwi_fork_init();
  mwi_kept_init();
  atexit(mwi_module_exiting); /* runs before the images' own destructors */
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
void mwi_init_once(void) {
  pthread_once(&once, init);
}

/* ---- main -------------------------------------------------------------- */

struct main_args {
  int (*fn)(int, char **, char **);
  int argc;
  char **argv, **envp;
};

static void run_main(void *p) {
  struct main_args *a = p;
  /* The initial thread's stack is nobody's, but what the kernel put there is the program's, which
   * may store pointers in argv and envp. */
  char **end = a->argv + a->argc;
  if (a->envp == end + 1) /* no constructor has called setenv */
    for (end = a->envp; *end;) end++;
  mw_root_add(a->argv, (size_t)((char *)(end + 1) - (char *)a->argv));
  /* What a thread owns (thread-locals, locales, libraries' errors) is main's as in plain C, for as
   * long as there is nothing that main's thread could do for others. */
  if (mwi_load_relaxed(&mwi_sched.single) && mwi_os_tid() == getpid())
    mwi_pin(mwi_getg(), MWI_PIN_ALONE);
  exit(a->fn(a->argc, a->argv, a->envp));
}

MWI_EXPORT int mwi_rt_main(int (*fn)(int, char **, char **), int argc, char **argv, char **envp) {
  struct main_args a = {fn, argc, argv, envp};
  mwi_init_once();
  mwi_signal_open(&mwi_sched.sigmask);
  mwi_http_init();
  if (mwi_tcb()->attached) mwi_detach(); /* a constructor allocated; now the thread becomes ours */
  struct mwi_m *m = mwi_m_new();
  mwi_lock(&mwi_sched.lock);
  mwi_sched.nm++;
  mwi_unlock(&mwi_sched.lock);
  mwi_m_adopt(m);
  size_t bytes = main_stack_bytes();
  struct mwi_g *g = NULL;
  while (!(g = mwi_g_new_try(run_main, &a, bytes, false)) && bytes > MWI_MB) bytes /= 4;
  if (!g) mwi_fatal("out of memory: no address space for the main goroutine's stack");
  mwi_sched.main_g = g;
  mwi_store_relaxed(&mwi_sched.single, mw_num_goroutine() == 1);
  /* On this thread, whose thread-locals constructors have set. */
  mwi_begin_bound(m, g);
  mwi_store_relaxed(&mwi_sched.main_ours, true); /* not before there is something to run */
  m->tcb.rt = 0;
  mwi_schedule_loop();
}
