/* SPDX-License-Identifier: MIT */
/* main.c -- the program of the install test's project: two libraries, goroutines, a collection */
#include <mallow.h>
#include <stdio.h>
#include "list.h"
#include "words.h"

static void count_up(void *arg) {
  mw_chan *ch = arg;
  for (long i = 1; i <= 1000; i++) mw_chan_send(ch, i);
  mw_chan_close(ch);
}

int main(void) {
  words_add("alpha");
  words_add("beta");
  words_add("gamma");

  mw_chan *ch = mw_chan_make(long, 10);
  mw_go(count_up, ch);
  struct list *l = NULL;
  long value;
  while (mw_chan_recv(ch, &value)) {
    l = list_push(l, value);
    if (value == 500) mw_gc();
  }
  mw_gc();

  printf("sum %ld, words %d:", list_sum(l), words_count());
  for (int i = 0; i < words_count(); i++) printf(" %s", words_get(i));
  printf("\n");
  return 0;
}
