/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/misuse.c -- each misuse ends in its message, status 2
 *
 * The argument says which; CMakeLists.txt has the message expected for each.
 */
#include "check.h"

static void nothing(void *arg) {
  (void)arg;
}

static void send_later(void *arg) {
  mw_chan_send((mw_chan *)arg, 1);
}

static void send_on_closed(void) {
  mw_chan *c = mw_chan_make(int, 1);
  mw_chan_close(c);
  mw_chan_send(c, 1);
}
static void try_send_on_closed(void) {
  mw_chan *c = mw_chan_make(int, 1);
  mw_chan_close(c);
  (void)mw_chan_try_send(c, 1);
}
static void try_send_on_closed_without_room(void) {
  mw_chan *c = mw_chan_make(int, 0);
  mw_chan_close(c);
  (void)mw_chan_try_send(c, 1);
}
static void close_under_sender(void) {
  mw_chan *c = mw_chan_make(int, 0);
  mw_go(send_later, c);
  mw_sleep(20000000);
  mw_chan_close(c);
  for (;;) mw_sleep(20000000); /* the sender ends the process, when it has a CPU */
}
static void close_twice(void) {
  mw_chan *c = mw_chan_make(int, 0);
  mw_chan_close(c);
  mw_chan_close(c);
}
static void close_nil(void) {
  mw_chan_close(NULL);
}
static void send_wrong_size(void) {
  mw_chan *c = mw_chan_make(int, 1);
  mw_chan_send(c, (long)1);
}
static void recv_wrong_size(void) {
  mw_chan *c = mw_chan_make(long, 1);
  mw_chan_send(c, 1L);
  int v;
  (void)mw_chan_recv(c, &v);
}
static void select_wrong_size(void) {
  short v;
  mw_case cases[] = {mw_case_recv(mw_chan_make(long, 1), &v)};
  (void)mw_select(cases, 1);
}
static void select_send_on_closed(void) {
  mw_chan *a = mw_chan_make(int, 1), *b = mw_chan_make(int, 0);
  mw_chan_close(a);
  int v = 1;
  mw_case cases[] = {mw_case_recv(b, &v), mw_case_send(a, &v)};
  (void)mw_select(cases, 2);
}
static void close_later(void *arg) {
  mw_sleep(20000000);
  mw_chan_close(arg);
}
static void select_closed_under(void) {
  mw_chan *a = mw_chan_make(int, 0), *b = mw_chan_make(int, 0);
  int v = 1;
  mw_go(close_later, a);
  mw_case cases[] = {mw_case_recv(b, &v), mw_case_send(a, &v)};
  (void)mw_select(cases, 2);
}
static void make_too_large(void) {
  (void)mw_chan_make(long, SIZE_MAX / 4);
}
static void unlock_unlocked(void) {
  static mw_mutex m;
  mw_mutex_unlock(&m);
}
static void runlock_unlocked(void) {
  static mw_rwmutex m;
  mw_rwmutex_runlock(&m);
}
static void rw_unlock_unlocked(void) {
  static mw_rwmutex m;
  mw_rwmutex_unlock(&m);
}
static void negative_waitgroup(void) {
  static mw_waitgroup wg;
  mw_waitgroup_add(&wg, 1);
  mw_waitgroup_done(&wg);
  mw_waitgroup_done(&wg);
}
static void timer_not_made(void) {
  mw_timer t = {0};
  (void)mw_timer_stop(&t);
}
static void ticker_of_nothing(void) {
  (void)mw_ticker_new(0);
}
static void send_to_timer(void) {
  mw_chan_send(mw_after(1), (int64_t)1);
}
static void close_timer(void) {
  mw_chan_close(mw_after(1));
}
static void deadlock_recv(void) {
  (void)mw_chan_recv(mw_chan_make(int, 0), NULL);
}
static void deadlock_nil(void) {
  (void)mw_chan_recv((mw_chan *)NULL, NULL);
}
static void deadlock_select(void) {
  (void)mw_select(NULL, 0);
}
static void deadlock_mutex(void) {
  static mw_mutex m;
  mw_mutex_lock(&m);
  mw_mutex_lock(&m);
}
static void deadlock_waitgroup(void) {
  static mw_waitgroup wg;
  mw_waitgroup_add(&wg, 1);
  mw_waitgroup_wait(&wg);
}

static const struct {
  const char *name;
  void (*fn)(void);
} table[] = {
#define CASE(f) {#f, f}
    CASE(send_on_closed),      CASE(try_send_on_closed),
    CASE(close_under_sender),  CASE(try_send_on_closed_without_room),
    CASE(close_twice),         CASE(close_nil),
    CASE(send_wrong_size),     CASE(recv_wrong_size),
    CASE(select_wrong_size),   CASE(select_send_on_closed),
    CASE(select_closed_under), CASE(make_too_large),
    CASE(unlock_unlocked),     CASE(runlock_unlocked),
    CASE(rw_unlock_unlocked),  CASE(negative_waitgroup),
    CASE(timer_not_made),      CASE(ticker_of_nothing),
    CASE(send_to_timer),       CASE(close_timer),
    CASE(deadlock_recv),       CASE(deadlock_nil),
    CASE(deadlock_select),     CASE(deadlock_mutex),
    CASE(deadlock_waitgroup),
};

int main(int argc, char **argv) {
  check_start();
  mw_go(nothing, NULL);
  for (size_t i = 0; argc > 1 && i < sizeof table / sizeof table[0]; i++)
    if (strcmp(argv[1], table[i].name) == 0) {
      table[i].fn();
      puts("went on");
      return 0;
    }
  fprintf(stderr, "usage: misuse NAME\n");
  return 64;
}
