/* SPDX-License-Identifier: MIT */
/*
 * sched/goroutine.c -- birth and death of goroutines
 *
 * Records (struct mwi_g) are metadata and never freed, only reused, so a
 * stale pointer to one is always readable; their number only grows.  Stacks come and go
 * (sched/stack.c).
 */
#include <mallow.h>

#include "sched/proc.h"
#include "sched/stack.h"

#define GFREE_SPILL 64 /* a processor's list gives half to the global one past this */

/*
 * Records live in chunks, found by index, so that the collector can snapshot
 * "all goroutines" as one number.  A chunk, once there, stays.
 */
static _Atomic(struct mwi_g *) chunks[MWI_MAX_GS / MWI_G_CHUNK];

struct mwi_g *mwi_g_at(uint32_t i) {
  struct mwi_g *chunk = mwi_load_acquire(&chunks[i / MWI_G_CHUNK]); /* pairs with mwi_g_alloc */
  return chunk ? &chunk[i % MWI_G_CHUNK] : NULL;
}

struct mwi_g *mwi_g_alloc(void) {
  uint32_t i = mwi_add_acqrel(&mwi_sched.ng, 1);
  if (i >= MWI_MAX_GS) mwi_fatal("more than %u goroutines", MWI_MAX_GS);
  _Atomic(struct mwi_g *) *slot = &chunks[i / MWI_G_CHUNK];
  struct mwi_g *chunk = mwi_load_acquire(slot);
  if (!chunk) {
    mwi_lock(&mwi_sched.lock);
    chunk = mwi_load_relaxed(slot);
    if (!chunk) {
      chunk = mwi_meta_alloc(MWI_G_CHUNK * sizeof *chunk, 64);
      mwi_store_release(slot, chunk);
    }
    mwi_unlock(&mwi_sched.lock);
  }
  return &chunk[i % MWI_G_CHUNK];
}

static struct mwi_g *gfree_get(struct mwi_p *p) {
  if (p && p->gfree) {
    struct mwi_g *g = p->gfree;
    p->gfree = g->next;
    p->ngfree--;
    return g;
  }
  if (!mwi_load_relaxed((_Atomic(struct mwi_g *) *)&mwi_sched.gfree)) return NULL;
  mwi_lock(&mwi_sched.lock);
  struct mwi_g *g = mwi_sched.gfree;
  if (g) mwi_sched.gfree = g->next;
  mwi_unlock(&mwi_sched.lock);
  return g;
}

struct mwi_g *mwi_g_record(void) {
  struct mwi_g *g = gfree_get(NULL);
  return g ? g : mwi_g_alloc();
}

struct mwi_g *mwi_g_new_try(void (*fn)(void *), void *arg, size_t stack_bytes, bool system) {
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_stack stack;
  if (!mwi_stack_take(p, &stack, stack_bytes)) return NULL;
  struct mwi_g *g = gfree_get(p);
  if (!g) g = mwi_g_alloc();
  g->stack = stack;
  g->fn = fn;
  g->arg = arg;
  g->m = NULL;
  g->system = system;
  g->foreign = g->locked = false;
  g->wake_param = NULL;
  g->wait_reason = MWI_WAIT_NONE;
  mwi_store_relaxed(&g->select_done, 0);
  g->id = mwi_add_relaxed(&mwi_sched.gid, 1) + 1;
  g->start_pc = (uintptr_t)fn;
  struct mwi_g *creator = mwi_getg();
  g->creator_id = creator ? creator->id : 0;
  g->sp = mwi_switch_prepare(stack.hi);
  /* arg travels in the record, which is scanned with the stack; what arrives
   * during marking in a goroutine scanned before it ran must not be lost. */
  mwi_shade(arg);
  if (!system) mwi_add_relaxed(&mwi_sched.ngoroutines, 1);
  mwi_store_release(&g->status, MWI_G_RUNNABLE); /* pairs with scanners' acquire */
  return g;
}

void mwi_g_free(struct mwi_p *p, struct mwi_g *g) {
  mwi_stack_put(p, &g->stack);
  g->stack = (struct mwi_stack){0};
  g->arg = NULL;
  if (!g->system) mwi_add_relaxed(&mwi_sched.ngoroutines, -1);
  if (p) {
    g->next = p->gfree;
    p->gfree = g;
    if (++p->ngfree < GFREE_SPILL) return;
    struct mwi_g *first = p->gfree, *last = first;
    for (int i = 1; i < GFREE_SPILL / 2; i++) last = last->next;
    p->gfree = last->next;
    p->ngfree -= GFREE_SPILL / 2;
    mwi_lock(&mwi_sched.lock);
    last->next = mwi_sched.gfree;
    mwi_sched.gfree = first;
    mwi_unlock(&mwi_sched.lock);
    return;
  }
  mwi_lock(&mwi_sched.lock);
  g->next = mwi_sched.gfree;
  mwi_sched.gfree = g;
  mwi_unlock(&mwi_sched.lock);
}

static void start(void (*fn)(void *), void *arg, size_t bytes, uintptr_t pc) {
  mwi_attach();
  if (!fn) mwi_fatal("go of nil func value");
  mwi_rt_enter();
  struct mwi_g *g = mwi_g_new_try(fn, arg, bytes, false);
  if (!g)
    mwi_fatal("out of memory: no address space for a goroutine stack (%d goroutines)",
              mw_num_goroutine());
  g->creator_pc = pc;
  struct mwi_p *p = mwi_tcb()->p;
  mwi_runq_put(p, g, true);
  mwi_wake_p();
  mwi_rt_leave();
}

MWI_EXPORT void mw_go(void (*fn)(void *), void *arg) {
  start(fn, arg, 0, (uintptr_t)__builtin_return_address(0));
}

MWI_EXPORT void mw_go_stack(void (*fn)(void *), void *arg, size_t bytes) {
  if (bytes > MWI_GB) mwi_fatal("mw_go_stack: %zu bytes asked, the limit is 1 GB", bytes);
  start(fn, arg, bytes, (uintptr_t)__builtin_return_address(0));
}

MWI_EXPORT int mw_num_goroutine(void) {
  return mwi_load_relaxed(&mwi_sched.ngoroutines);
}

/* ---- The first and last frames of a goroutine -------------------------- */

static bool die(struct mwi_g *g, void *unused) {
  (void)unused;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_DEAD);
  mwi_g_free(mwi_tcb()->p, g);
  return true;
}

MWI_EXPORT _Noreturn void mw_goexit(void) {
  mwi_attach();
  struct mwi_g *g = mwi_getg();
  if (g->foreign) mwi_fatal("mw_goexit called on a thread that is not a goroutine");
  mwi_park(die, NULL, MWI_WAIT_NONE);
  __builtin_unreachable();
}

void mwi_goroutine_main(void) {
  struct mwi_g *g = mwi_getg();
  mwi_rt_leave(); /* the switch ran inside mwi_rt_enter */
  void *arg = g->arg;
  g->arg = NULL; /* from here the stack keeps it, as long as the function does */
  g->fn(arg);
  mw_goexit();
}
