/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_fork_heap.c -- a child inherits no heap that a scavenger has half done
 *
 * A scavenger gives pages back without the heap's lock, which it has taken them out under
 * (mwi_mheap.in_hand).  A fork waits until they are back [Z1]: the child's copy would miss
 * them for ever.  Here another thread is the scavenger, and takes its time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/mheap.h"
#include "sched/proc.h"

static void change(int by) {
  mwi_lock(&mwi_mheap.lock);
  mwi_mheap.in_hand += by;
  mwi_unlock(&mwi_mheap.lock);
}

static _Atomic int forks;
static void *gives_back(void *unused) {
  (void)unused;
  while (!mwi_load_seqcst(&forks)) usleep(100);
  usleep(30000); /* without the wait the child is there by then */
  change(-1);
  return NULL;
}

static void a_fork_waits_for_pages_in_hand(void **state) {
  (void)state;
  mwi_attach();
  for (int i = 0; i < 5; i++) {
    pthread_t t;
    mwi_store_seqcst(&forks, 0);
    assert_int_equal(pthread_create(&t, NULL, gives_back, NULL), 0);
    change(1);
    mwi_store_seqcst(&forks, 1);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(mwi_mheap.in_hand ? 1 : 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(pthread_join(t, NULL), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_fork_waits_for_pages_in_hand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
