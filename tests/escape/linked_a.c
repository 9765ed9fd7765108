/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/linked_a.c -- variables whose place is decided when linking; see linked.sh
 *
 * Prints for each variable where it is.  The kept ones are read again when their frames are gone.
 */
#include "linked.h"
#include <mallow.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))
#define WHERE(x)                                                                                   \
  printf("%s %s\n", #x,                                                                            \
         (uintptr_t)&x - (uintptr_t)__builtin_frame_address(0) + 65536 < 131072 ? "stack"          \
                                                                                : "heap")

static NOINLINE void of_reads(void) {
  struct item read = {1, NULL};
  reads(&read);
  WHERE(read);
}
static NOINLINE void of_reads_twice(void) {
  struct item read_twice = {1, NULL};
  reads(&read_twice);
  reads_far(&read_twice);
  WHERE(read_twice);
}
static NOINLINE void of_keeps(void) {
  struct item kept = {2, NULL};
  keeps(&kept);
  WHERE(kept);
}
static NOINLINE void of_both(int n) {
  struct item kept_or_read = {3, NULL};
  if (n)
    reads(&kept_or_read);
  else
    keeps(&kept_or_read);
  WHERE(kept_or_read);
}
static NOINLINE void of_hands_on(void) {
  struct item handed_on = {4, NULL};
  hands_on(&handed_on);
  WHERE(handed_on);
}
static NOINLINE void of_gives(void) {
  struct item given = {5, NULL};
  list->v += gives(&given)->v - 5;
  WHERE(given);
}
static NOINLINE void of_gives_next(void) {
  struct item given_next = {6, NULL}, giver = {7, &given_next};
  list->v += gives_next(&giver)->v - 6;
  WHERE(given_next);
  WHERE(giver);
}
static NOINLINE void of_keeps_next(void) {
  struct item kept_next = {8, NULL}, leads = {9, &kept_next};
  keeps_next(&leads);
  WHERE(kept_next);
  WHERE(leads);
}
static NOINLINE void of_holds(void) {
  struct item held = {10, NULL}, holder = {11, &held};
  reads(&holder);
  WHERE(held);
  WHERE(holder);
}
static NOINLINE void of_turn(void) {
  struct item turned = {12, NULL}, turned_and_kept = {13, NULL};
  turn(&turned, 4);
  turn_keep(&turned_and_kept, 5);
  WHERE(turned);
  WHERE(turned_and_kept);
}
static NOINLINE void of_by_pointer(void) {
  struct item called = {14, NULL};
  by_pointer(reads, &called);
  WHERE(called);
}
static NOINLINE void of_several(void) {
  struct item variadic = {15, NULL};
  several(1, &variadic);
  WHERE(variadic);
}
static NOINLINE void of_memory(void) {
  struct wide passed = {{16}};
  struct item in_wide = {17, NULL};
  list->v += copied(passed) - 16;
  list->v += widened(&in_wide).v[0] - 17;
  WHERE(in_wide);
}
static NOINLINE void of_outside(void) {
  struct item to_outside = {18, NULL}, asked_outside = {19, NULL};
  outside(&to_outside);
  asks_outside(&asked_outside);
  WHERE(to_outside);
  WHERE(asked_outside);
}
static NOINLINE void of_weak(void) {
  struct item to_weak = {20, NULL};
  weak_one(&to_weak);
  WHERE(to_weak);
}
/* it holds its own address [EG3] */
static struct item *seen;
static NOINLINE void of_starts(void) {
  struct item ring = {27, NULL}, ring_far = {28, NULL}, ring_kept = {29, NULL};
  struct item ring_given = {30, NULL}, ring_seen = {31, NULL}, in_ring = {32, NULL};
  struct item to_ring = {33, &in_ring};
  starts(&ring);
  starts_on(&ring_far);
  list->v += looks(&ring_far) - 28;
  starts_on(&ring_kept);
  keeps_next(&ring_kept);
  starts(&ring_given);
  list->v += gives_next(&ring_given)->v - 30;
  starts_on(&ring_seen);
  seen = ring_seen.next;
  starts(&in_ring);
  list->v += looks(&to_ring) - 32;
  WHERE(ring);
  WHERE(ring_far);
  WHERE(ring_kept);
  WHERE(ring_given);
  WHERE(ring_seen);
  WHERE(in_ring);
  WHERE(to_ring);
}
/* by way of a function of this file */
static NOINLINE void passes(struct item *p) {
  reads(p);
}
static NOINLINE void passes_on(struct item *p) {
  struct item *q = p;
  keeps(q);
}
static NOINLINE void of_passes(void) {
  struct item passed_on = {21, NULL}, passed_to_read = {22, NULL};
  passes(&passed_to_read);
  passes_on(&passed_on);
  WHERE(passed_to_read);
  WHERE(passed_on);
}
static NOINLINE void of_loop(void) {
  struct item *last = NULL;
  long sum = 0;
  for (int i = 0; i < 3; i++) {
    struct item each_turn = {23 + i, NULL};
    reads(&each_turn);
    sum += each_turn.v;
    if (i == 2) WHERE(each_turn);
  }
  for (int i = 0; i < 3; i++) {
    struct item chained = {23 + i, last}; /* lives on in the next turn */
    reads(&chained);
    last = &chained;
    if (i == 2) WHERE(chained);
  }
  for (; last; last = last->next) sum -= last->v;
  list->v += sum;
}
_Alignas(64) static char fill[64];
static NOINLINE void of_alignment(void) {
  struct {
    _Alignas(64) struct item i;
  } aligned = {{26, NULL}};
  reads(&aligned.i);
  memcpy(fill, &aligned, sizeof fill);
  if ((uintptr_t)&aligned % 64) printf("aligned badly\n");
  WHERE(aligned);
}

static struct item start = {100, NULL};

int main(void) {
  list = &start;
  of_reads();
  of_reads_twice();
  of_keeps();
  of_both(1);
  of_both(0);
  of_hands_on();
  of_gives();
  of_gives_next();
  of_keeps_next();
  of_holds();
  of_turn();
  of_by_pointer();
  of_several();
  of_memory();
  of_outside();
  of_weak();
  of_starts();
  of_passes();
  of_loop();
  of_alignment();
  mw_gc();
  long n = 1, sum = seen->v;
  for (struct item *p = list; p; p = p->next) n++, sum += p->v;
  printf("%ld kept, sum %ld\n", n, sum);
}
