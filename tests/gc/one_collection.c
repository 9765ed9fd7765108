/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/one_collection.c -- what nothing refers to is found by one mw_gc
 *
 *     one_collection behind|left
 *
 * behind  the stack has a pointer to an object that begins where the last page of the dead
 *         one ends: it is no end pointer of that one, which ends 8 KB earlier
 * left    only the stack of a goroutine had a pointer, and that goroutine is no longer counted
 *
 * In both the weak pointer is NULL when the first mw_gc returns, and the cleanup is run:
 * without it the program hangs in mw_chan_recv, which the runtime calls a deadlock.
 * Addresses on their way through globals are inverted, so that nothing takes them for roots.
 */
#include <mallow.h>

#include <stdio.h>
#include <string.h>

typedef struct picture {
  const char *name;
  unsigned char pixels[64 * 1024];
} picture;

#define SPAN_BYTES (72 * 1024) /* that sizeof(picture) needs */

static uintptr_t not_behind;
static mw_weak weak;
static mw_chan *cleaned;

static void clean(void *unused) {
  (void)unused;
  mw_chan_close(cleaned);
}

static void watch(picture *p) {
  weak = mw_weak_make(p);
  mw_add_cleanup(p, clean, NULL);
}

static void neighbours(void *unused) {
  (void)unused;
  for (picture *p = mw_new(picture), *next;; p = next) {
    next = mw_new(picture);
    if ((uintptr_t)next != (uintptr_t)p + SPAN_BYTES) continue;
    watch(p);
    not_behind = ~(uintptr_t)next;
    return;
  }
}

static void holder(void *unused) {
  (void)unused;
  picture *volatile p = mw_new(picture); /* in memory, where a scan of this stack finds it */
  watch(p);
  p->name = "held";
}

/* Until fn's goroutine is gone. */
static void apart(void (*fn)(void *)) {
  mw_go(fn, NULL);
  while (mw_num_goroutine() > 1) mw_yield();
}

int main(int argc, char **argv) {
  bool behind = argc > 1 && strcmp(argv[1], "behind") == 0;
  for (int i = 0; i < (behind ? 20 : 400); i++) {
    cleaned = mw_chan_make(char, 0);
    apart(behind ? neighbours : holder);
    void *volatile here = behind ? (void *)~not_behind : NULL;
    mw_gc();
    if (mw_weak_get(weak)) {
      printf("round %d: still there after a collection\n", i);
      return 1;
    }
    mw_chan_recv(cleaned, NULL);
    if (behind && ((picture *)here)->name) return 1; /* that one is there */
  }
  printf("ok\n");
}
