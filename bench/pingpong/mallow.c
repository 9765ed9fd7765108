/* SPDX-License-Identifier: MIT */
/*
 * bench/pingpong/mallow.c -- what a message costs, on mallow
 *
 *     pingpong-mallow [MESSAGES]       (default 1000000)
 *
 * pingpong: two goroutines hand a value back and forth over unbuffered
 * channels; each message is a block and a switch.  pipe: one goroutine sends
 * to another over a channel with room for 128; most messages are a copy.
 */
#include "bench.h"

#include <mallow.h>

enum { PIPE_ROOM = 128 };

struct pair {
  mw_chan *there, *back;
  long messages;
};

static void echo(void *arg) {
  struct pair *pair = arg;
  long value;
  while (mw_chan_recv(pair->there, &value)) mw_chan_send(pair->back, value + 1);
  mw_chan_close(pair->back);
}

static void produce(void *arg) {
  struct pair *pair = arg;
  for (long i = 0; i < pair->messages; i++) mw_chan_send(pair->there, i);
  mw_chan_close(pair->there);
}

static void print(const char *what, int64_t start_ns, long n) {
  printf("%s_ns_per_message %.1f\n", what, (double)(bench_now_ns() - start_ns) / (double)n);
}

int main(int argc, char **argv) {
  long messages = bench_arg(argc, argv, 1, 1000000);
  struct pair *pair = mw_new(struct pair);
  pair->messages = messages;
  pair->there = mw_chan_make(long, 0);
  pair->back = mw_chan_make(long, 0);
  mw_go(echo, pair);
  int64_t start_ns = bench_now_ns();
  long value = 0;
  for (long i = 0; i < messages / 2; i++) {
    mw_chan_send(pair->there, value);
    mw_chan_recv(pair->back, &value);
  }
  print("pingpong", start_ns, messages);
  if (value != messages / 2) return 1;
  mw_chan_close(pair->there);

  pair = mw_new(struct pair);
  pair->messages = messages;
  pair->there = mw_chan_make(long, PIPE_ROOM);
  mw_go(produce, pair);
  start_ns = bench_now_ns();
  long received = 0;
  while (mw_chan_recv(pair->there, &value)) received++;
  print("pipe", start_ns, messages);
  return received == messages ? 0 : 1;
}
