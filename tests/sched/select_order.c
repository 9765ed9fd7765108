/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/select_order.c -- no two processes make the same choices
 *
 * A program that happens to work with one order of its select's choices must not work so each time
 * that it is started, nor do as its siblings that a fork made.  On one processor, where little else
 * tells one run from another.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { CHOICES = 64, CASES = 4, PROCESSES = 6 };

/* Among cases that can all go on: 128 bits. */
static void choose(char *made) {
  mw_case cases[CASES];
  for (int i = 0; i < CASES; i++) {
    mw_chan *closed = mw_chan_make(int, 0);
    mw_chan_close(closed);
    cases[i] = mw_case_recv(closed, NULL);
  }
  for (int i = 0; i < CHOICES; i++) made[i] = (char)('0' + mw_select(cases, CASES));
}

/* A child's, which the fork made, or which is started anew. */
static void choices_of_child(char *made, bool anew, char *program) {
  int fd[2];
  CHECK_EQ(pipe(fd), 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (anew) {
      CHECK_EQ(dup2(fd[1], 1), 1);
      execl("/proc/self/exe", program, "choose", (char *)NULL);
      _exit(1);
    }
    choose(made);
    _exit(write(fd[1], made, CHOICES) != CHOICES);
  }
  int status;
  CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
  CHECK_EQ(read(fd[0], made, CHOICES), CHOICES);
  close(fd[0]);
  close(fd[1]);
}

int main(int argc, char **argv) {
  char made[PROCESSES][CHOICES];
  if (argc > 1) {
    choose(made[0]);
    return write(1, made[0], CHOICES) != CHOICES;
  }
  for (int i = 0; i < PROCESSES; i++) choices_of_child(made[i], i % 2, argv[0]);
  for (int i = 0; i < PROCESSES; i++)
    for (int k = 0; k < i; k++) {
      if (memcmp(made[i], made[k], CHOICES) == 0) printf("%.*s, twice\n", CHOICES, made[i]);
      CHECK(memcmp(made[i], made[k], CHOICES) != 0);
    }
  puts("ok");
  return 0;
}
