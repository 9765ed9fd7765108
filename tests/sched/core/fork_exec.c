/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/fork_exec.c -- fork and exec beside running collections
 *
 * The child runs compiled code with polls before exec, though the thread that
 * had asked its parent's to stop is not there.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic bool over;
static mw_waitgroup done;
static volatile unsigned sink;

static void collect(void *arg) {
  (void)arg;
  while (!over) {
    mw_gc();
    for (int i = 0; i < 100; i++) *mw_new(unsigned) = 1;
  }
  mw_waitgroup_done(&done);
}

int main(void) {
  mw_set_max_procs(2);
  mw_waitgroup_add(&done, 1);
  mw_go(collect, NULL);
  for (int i = 0; i < 200; i++) {
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      for (unsigned k = 0; k < 10000; k++) sink += k;
      execl("/bin/true", "true", (char *)NULL);
      _exit(1);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status)) return printf("FAIL: status %d\n", status), 1;
    if (i % 20 == 0 && system("true") != 0) return puts("FAIL: system"), 1;
  }
  over = true;
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
