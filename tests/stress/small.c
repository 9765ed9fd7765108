/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/small.c -- a small program that must run where little is allowed
 *
 *     small [GOROUTINES [MEGABYTES]]        (defaults 1000, 50)
 *
 * Job      Run under `ulimit -v`, with few descriptors, or while the runtime's
 *          system calls are made to fail (inject.sh): a hundred thousand
 *          goroutines have to be no problem, and what is a problem has to end
 *          in a fatal error, not in a crash.
 * How      Goroutines in a ring, each blocked on its channel, pass a list
 *          around; MEGABYTES of garbage are made on the way.
 */
#include <mallow.h>

#include <stdio.h>
#include <stdlib.h>

struct item {
  struct item *next;
  uint64_t value;
};

struct stage {
  mw_chan *in, *out; /* of struct item * */
  uint64_t number;
  size_t garbage_bytes;
};

static void stage_goroutine(void *arg) {
  struct stage *stage = arg;
  struct item *list;
  while (mw_chan_recv(stage->in, &list)) {
    for (size_t made = 0; made < stage->garbage_bytes; made += 128)
      mw_new(struct item)->next = mw_alloc(96);
    struct item *item = mw_new(struct item);
    *item = (struct item){list, stage->number};
    mw_chan_send(stage->out, item);
  }
  mw_chan_close(stage->out);
}

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
  size_t megabytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 50;
  mw_chan *first = mw_chan_make(struct item *, 0), *in = first;
  for (size_t i = 0; i < n; i++) {
    struct stage *stage = mw_new(struct stage);
    stage->number = i;
    stage->garbage_bytes = megabytes * 1048576 / n;
    stage->in = in;
    stage->out = in = mw_chan_make(struct item *, 0);
    mw_go(stage_goroutine, stage);
  }
  struct item *list = NULL;
  mw_chan_send(first, list);
  mw_chan_recv(in, &list);
  mw_chan_close(first);
  struct item *none;
  if (mw_chan_recv(in, &none)) return 1;
  for (size_t i = n; i-- > 0; list = list->next)
    if (!list || list->value != i) {
      fprintf(stderr, "FAIL: item %zu is lost\n", i);
      return 1;
    }
  printf("small: %zu goroutines, %zu MB: fine\n", n, megabytes);
  return 0;
}
