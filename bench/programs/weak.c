/* SPDX-License-Identifier: MIT */
/* bench/programs/weak.c -- every object has a finalizer, a cleanup or a weak pointer */
#include "programs.h"

struct object {
  struct object *peer;
  uint64_t n, word[4];
};

static _Atomic uint64_t finalized, cleaned;
static char token;

static void finalize(void *object, void *unused) {
  (void)unused;
  struct object *o = object;
  finalized += o->n & 1;
}

static void clean(void *unused) {
  (void)unused;
  cleaned++;
}

int main(int argc, char **argv) {
  long n = number(argc, argv, 1, 1000000);
  enum { WEAK = 4096, KEPT = 20000 };
  mw_weak *weak = mw_make(mw_weak, WEAK);
  struct object **kept = mw_make(struct object *, KEPT);
  uint64_t state = 8;
  long found = 0;
  for (long i = 0; i < n; i++) {
    uint64_t r = next_random(&state);
    struct object *o = make(struct object);
    o->n = (uint64_t)i;
    o->peer = kept[r % KEPT];
    if (o->peer) o->peer->peer = NULL;
    if ((r & 3) == 0)
      mw_set_finalizer(o, finalize, NULL);
    else if ((r & 3) == 1)
      mw_add_cleanup(o, clean, &token);
    else
      weak[r >> 20 & (WEAK - 1)] = mw_weak_make(o);
    kept[(r >> 32) % KEPT] = o;
    const struct object *other = mw_weak_get(weak[r >> 44 & (WEAK - 1)]);
    found += other != NULL;
  }
  fprintf(stderr, "%ld found, %lu finalized, %lu cleaned up\n", found, finalized, cleaned);
  mw_keep_alive(kept);
  printf("sum %lu\n", state);
}
