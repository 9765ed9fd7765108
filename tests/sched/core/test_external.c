/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_external.c -- a thread with external frames begins and ends a cycle [E2]
 *
 * This file is external code to the runtime: it has no barriers, and its text is not registered.
 * On one processor, which this thread never leaves, it takes the steps of a cycle one by one, and
 * moves pointers between them as [E2] allows.  A pointer that it has "in its hands" is hidden, so
 * that nothing but the step under test can find the object.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mallow.h>

#include "gc/cycle.h"
#include "gc/alloc.h"
#include "gc/gc.h"
#include "gc/work.h"
#include "heap/heap.h"
#include "sched/proc.h"

struct thing {
  struct thing *volatile x, *volatile y;
};

static uintptr_t hidden; /* ~ of the pointer to the object that must live */
static mw_weak weak;     /* to that; a root keeps the handle */

static __attribute__((noinline)) struct thing *make(struct thing *x, struct thing *y) {
  struct thing *t = mwi_gc_alloc(sizeof *t, NULL);
  (void)mwi_gc_alloc(sizeof *t, NULL); /* a pointer to an object keeps what ends there, too */
  t->x = x;
  t->y = y;
  return t;
}

/* a -> {x -> y, b}: only a is on a stack. */
static __attribute__((noinline)) struct thing *three_deep(void) {
  struct thing *y = make(NULL, NULL);
  weak = mw_weak_make(y);
  return make(make(y, NULL), make(NULL, NULL));
}
static __attribute__((noinline)) void take_y(struct thing *a) {
  hidden = ~(uintptr_t)a->x->x;
  a->x->x = NULL;
}
static __attribute__((noinline)) void take_x(struct thing *a) {
  hidden = ~(uintptr_t)a->x;
  a->x = NULL;
}
static __attribute__((noinline)) void put_into(struct thing *b) {
  b->y = (struct thing *)~hidden;
}

/* No frame of those above is left below.  (AddressSanitizer would put the array elsewhere.) */
static __attribute__((noinline, no_sanitize("address"))) void wipe(void) {
  char old[16384];
  memset(old, 0, sizeof old);
  mw_keep_alive(old);
}

static int attach(void **state) {
  (void)state;
  mw_set_gc_percent(-1); /* none begins by itself */
  mwi_attach();
  mw_gc();
  assert_int_equal(mwi_sched.nprocs, 1);
  mw_root_add(&weak, sizeof weak);
  return 0;
}
static int detach(void **state) {
  (void)state;
  mw_root_remove(&weak);
  return 0;
}

static void start(void) {
  mwi_gc_start(MWI_GC_FORCED);
  assert_true(mwi_gc_wb_state());
}
/* All that is grey, and no further: somebody seems to be at work, so the cycle does not end. */
static void mark_all(void) {
  mwi_rt_enter();
  mwi_add_relaxed(&mwi_gc.nactive, 1);
  for (int i = 0; i < 100 && mwi_gc_run_idle(0); i++) continue;
  mwi_add_relaxed(&mwi_gc.nactive, -1);
  mwi_rt_leave();
  assert_true(mwi_gc_wb_state());
}
static void finish(void) {
  for (int i = 0; i < 100 && mwi_gc_wb_state(); i++) {
    mwi_rt_enter();
    if (!mwi_gc_try_finish()) mwi_gc_run_idle(0);
    mwi_rt_leave();
  }
  assert_false(mwi_gc_wb_state());
  while (mwi_sweep_some()) continue;
}
static bool is_there(void) {
  return mw_weak_get(weak) != NULL;
}

/* Without what the other tests do, it is lost: nothing else has seen it. */
static void unknown_to_anybody_it_dies(void **state) {
  (void)state;
  struct thing *volatile a = three_deep();
  wipe();
  start();
  take_y(a);
  mark_all();
  wipe();
  finish();
  assert_false(is_there());
  assert_non_null(a);
}

static void on_its_stack_at_the_end(void **state) {
  (void)state;
  struct thing *volatile a = three_deep(), *volatile held = NULL;
  wipe();
  start();
  take_y(a);
  mark_all();
  held = (struct thing *)~hidden;
  wipe();
  finish();
  assert_true(is_there());
  assert_non_null(held);
}

/* b is black, and on the stack only now. */
static void in_what_its_stack_points_to_at_the_end(void **state) {
  (void)state;
  struct thing *volatile a = three_deep(), *volatile b = NULL;
  wipe();
  start();
  take_y(a);
  mark_all();
  b = a->y;
  put_into(b);
  wipe();
  finish();
  assert_true(is_there());
  assert_ptr_equal(b->y, (void *)~hidden);
}

static void in_what_its_stack_pointed_to_at_the_start(void **state) {
  (void)state;
  struct thing *volatile a = three_deep();
  wipe();
  start();
  take_y(a);
  mark_all();
  put_into(a);
  a = NULL;
  wipe();
  finish();
  assert_true(is_there());
}

/* Deleted from what the stack points to, before anybody has looked there. */
static void what_it_takes_out_is_kept(void **state) {
  (void)state;
  struct thing *volatile a = three_deep();
  weak = mw_weak_make(a->x);
  wipe();
  start();
  take_x(a);
  wipe();
  mark_all();
  wipe();
  finish();
  assert_true(is_there());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(unknown_to_anybody_it_dies, attach, detach),
      cmocka_unit_test_setup_teardown(on_its_stack_at_the_end, attach, detach),
      cmocka_unit_test_setup_teardown(in_what_its_stack_points_to_at_the_end, attach, detach),
      cmocka_unit_test_setup_teardown(in_what_its_stack_pointed_to_at_the_start, attach, detach),
      cmocka_unit_test_setup_teardown(what_it_takes_out_is_kept, attach, detach),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
