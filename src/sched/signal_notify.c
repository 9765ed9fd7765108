/* SPDX-License-Identifier: MIT */
/*
 * sched/signal_notify.c -- signals as values on channels
 *
 * Job      mw_signal_notify and its kin.
 * Promise  [N2] Delivery to channels never blocks: the handler sets a bit and
 *          wakes a thread that no signal interrupts; a channel without room
 *          misses the signal, and signals that come twice before anybody looks
 *          come once, as in Go.
 *          [N3] After mw_signal_stop has returned nothing is sent to the channel; what came before
 *          it was called has been.
 * How      `notified` and `pending` are words of bits.  sysmon readies the goroutine that sends:
 *
 *              handler: pending |= bit, wake sysmon  ->  sysmon: ready the sender
 *              sender:  take pending, and send, under mwi_actions_lock
 *
 * Threads  mwi_actions_lock, but for the handler and sysmon.
 * Next     sysmon.c (mwi_signal_look), chan.c
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdlib.h>

#include <mallow.h>

#include "gc/gc.h"
#include "sched/chan.h"
#include "sched/proc.h"
#include "sched/signal.h"

#define BIT(sig) (UINT64_C(1) << ((sig) - 1))

typedef void handler_fn(int);

struct listener {
  struct listener *next;
  mw_handle channel;
  uint64_t signals;
};
static struct listener *listeners; /* under mwi_actions_lock */
static _Atomic uint64_t notified;  /* signals that somebody listens to; under mwi_actions_lock */
static _Atomic uint64_t pending;   /* set by handlers, taken by the sender */

void (*mwi_signal_fault)(int sig, siginfo_t *info, void *uc);
void (*mwi_signal_defaults)(void);

static _Atomic(struct mwi_g *) sender; /* parked until sysmon sees something pending */
static bool sender_started;            /* under mwi_actions_lock */

void mwi_signal_note(int sig, siginfo_t *info, void *uc) {
  if (info->si_code > 0 && (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL)) {
    mwi_signal_fault(sig, info, uc); /* a fault, and no message */
    return;
  }
  atomic_fetch_or_explicit(&pending, BIT(sig), memory_order_seq_cst);
  mwi_sysmon_wake(); /* an exchange and a futex: fit for handlers */
}

bool mwi_signal_listening(void) {
  return mwi_load_relaxed(&notified) != 0;
}

/* sysmon: not interrupted, so it may take locks. */
void mwi_signal_look(void) {
  if (!mwi_load_seqcst(&pending)) return;
  struct mwi_g *g = atomic_exchange_explicit(&sender, NULL, memory_order_seq_cst);
  if (!g) return;
  /* not mwi_ready: scanners work beside this thread, which no stop includes */
  mwi_g_transition_slow(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  mwi_wake_p();
}

/* Taken and sent under the lock: what has come before somebody stops is in nobody's hand then. */
static void send_pending_locked(void) {
  uint64_t bits = atomic_exchange_explicit(&pending, 0, memory_order_seq_cst);
  for (int sig = 1; bits && sig < MWI_NSIG; sig++) {
    if (!(bits & BIT(sig))) continue;
    for (struct listener *l = listeners; l; l = l->next)
      if (l->signals & BIT(sig)) {
        int value = sig;
        mwi_chan_try_send(mw_handle_get(l->channel), &value, sizeof value); /* [N2] */
      }
  }
}

static bool sender_commit(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_store_seqcst(&sender, g);
  /* seq_cst: a handler that came before this store is seen here, a later one's look sees g */
  if (!mwi_load_seqcst(&pending)) return true;
  return atomic_exchange_explicit(&sender, NULL, memory_order_seq_cst) == NULL; /* sysmon has it */
}

static void run_sender(void *unused) {
  (void)unused;
  for (;;) {
    if (!mwi_load_seqcst(&pending)) {
      mwi_park(sender_commit, NULL, MWI_WAIT_FINALIZER);
      continue;
    }
    mw_mutex_lock(&mwi_actions_lock);
    send_pending_locked();
    mw_mutex_unlock(&mwi_actions_lock);
  }
}

static void start_sender(void) {
  mwi_rt_enter();
  struct mwi_g *g = mwi_g_new_try(run_sender, NULL, 0, true);
  if (!g) mwi_fatal("out of memory: no stack for the goroutine that delivers signals");
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  mwi_rt_leave();
  mwi_wake_p();
}

/* A forked child: it is parked, or it was under way and is not there. */
void mwi_signal_restart(void) {
  mwi_actions_lock = (mw_mutex){0}; /* whoever held it or waited for it is not there */
  if (sender_started && !mwi_load_relaxed(&sender)) start_sender();
}

/* Those between 31 and SIGRTMIN are libc's own (cancellation, setuid): it refuses them. */
static void check(const char *who, int sig) {
  if (!mwi_signal_valid(sig) || sig == SIGKILL || sig == SIGSTOP || sig == MWI_STOP_SIGNAL ||
      (sig > SIGSYS && sig < SIGRTMIN))
    mwi_fatal("%s: signal %d cannot be caught", who, sig);
}

static void drop_unused_locked(void) {
  uint64_t used = 0;
  for (struct listener **at = &listeners; *at;) {
    struct listener *l = *at;
    used |= l->signals;
    if (l->signals) {
      at = &l->next;
      continue;
    }
    *at = l->next;
    mw_handle_free(l->channel);
    free(l);
  }
  for (int sig = 1; sig < MWI_NSIG; sig++) {
    if (used & BIT(sig) || !(mwi_load_relaxed(&notified) & BIT(sig))) continue;
    mwi_action_hear_locked(sig, false);
    atomic_fetch_and(&notified, ~BIT(sig));
  }
}

MWI_EXPORT void mw_signal_notify(mw_chan *ch, int sig) {
  check("mw_signal_notify", sig);
  if (!ch) mwi_fatal("mw_signal_notify: the channel is NULL");
  if (ch->elem_size != sizeof(int))
    mwi_fatal("mw_signal_notify: not a channel of int: its elements have %u bytes", ch->elem_size);
  mwi_attach();
  mw_mutex_lock(&mwi_actions_lock);
  struct listener *l = listeners;
  while (l && mw_handle_get(l->channel) != ch) l = l->next;
  if (!l) {
    l = malloc(sizeof *l);
    if (!l) mwi_fatal("out of memory: mw_signal_notify");
    *l = (struct listener){listeners, mw_handle_new(ch), 0};
    listeners = l;
  }
  l->signals |= BIT(sig);
  if (!sender_started) {
    sender_started = true;
    start_sender();
  }
  mwi_action_hear_locked(sig, true);
  atomic_fetch_or(&notified, BIT(sig));
  mw_mutex_unlock(&mwi_actions_lock);
}

MWI_EXPORT void mw_signal_stop(mw_chan *ch) {
  mwi_attach();
  mw_mutex_lock(&mwi_actions_lock); /* [N3]: the sender holds it while it sends */
  send_pending_locked();
  for (struct listener *l = listeners; l; l = l->next)
    if (mw_handle_get(l->channel) == ch) l->signals = 0;
  drop_unused_locked();
  mw_mutex_unlock(&mwi_actions_lock);
}

static void take_away(int sig, handler_fn *disposition) {
  mwi_attach();
  mw_mutex_lock(&mwi_actions_lock);
  for (struct listener *l = listeners; l; l = l->next) l->signals &= ~BIT(sig);
  drop_unused_locked();
  struct sigaction sa = {.sa_handler = disposition};
  if (sig == SIGSEGV && disposition == SIG_DFL) /* in one step [N4] */
    sa = (struct sigaction){.sa_sigaction = mwi_signal_fault, .sa_flags = MWI_FAULT_FLAGS};
  struct sigaction was;
  mwi_action_set_locked(sig, &sa, &was);
  if (disposition == SIG_DFL) mwi_signal_defaults(); /* what the runtime does by itself */
  mw_mutex_unlock(&mwi_actions_lock);
}

MWI_EXPORT void mw_signal_ignore(int sig) {
  check("mw_signal_ignore", sig);
  take_away(sig, SIG_IGN);
}

MWI_EXPORT void mw_signal_reset(int sig) {
  check("mw_signal_reset", sig);
  take_away(sig, SIG_DFL);
}
