/* SPDX-License-Identifier: MIT */
/*
 * sampling.c -- sampled allocation hands out the objects that it should
 *
 * Objects of many sizes, from several goroutines, while the rate changes and
 * collections run; each object is distinct, zero and intact.
 */
#include <mallow.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOROUTINES = 4, ROUNDS = 20, OBJECTS = 400 };

typedef struct object {
  struct object *next;
  size_t bytes;
  unsigned long id;
} object;

static void fail(const char *what) {
  fprintf(stderr, "sampling: %s\n", what);
  exit(1);
}

static void churn(void *done) {
  unsigned long id = (unsigned long)(uintptr_t)&done;
  for (int round = 0; round < ROUNDS; round++) {
    object *list = NULL;
    for (int i = 0; i < OBJECTS; i++) {
      size_t bytes = sizeof(object) + (size_t)(i * 37 % 3000) * (size_t)(i % 50 == 0 ? 20 : 1);
      object *o = mw_alloc(bytes);
      for (size_t k = 0; k < bytes; k++)
        if (((char *)o)[k]) fail("an object is not zero");
      memset(o, 0x55, bytes);
      o->next = list;
      o->bytes = bytes;
      o->id = id + (unsigned long)i;
      list = o;
      char *tiny = mw_alloc_noscan(3);
      if (tiny[0] || tiny[1] || tiny[2]) fail("a tiny object is not zero");
      tiny[0] = tiny[2] = 7;
    }
    int n = OBJECTS;
    for (object *o = list; o; o = o->next) {
      if (o->id != id + (unsigned long)--n) fail("objects overlap");
      for (size_t k = sizeof *o; k < o->bytes; k++)
        if (((char *)o)[k] != 0x55) fail("an object was overwritten");
    }
    if (round % 5 == 0) {
      static const int rates[] = {1, 64, 4096, 0};
      mw_set_mem_profile_rate(rates[round / 5 % 4]);
    }
  }
  mw_chan_send(done, 1);
}

int main(void) {
  mw_chan *done = mw_chan_make(int, 0);
  for (int i = 0; i < GOROUTINES; i++) mw_go(churn, done);
  for (int i = 0; i < GOROUTINES; i++) mw_chan_recv(done, NULL);
  mw_gc();
  mw_mem_stats s;
  mw_read_mem_stats(&s);
  if (s.heap_alloc > 16 << 20) fail("dead objects are kept");
  return 0;
}
