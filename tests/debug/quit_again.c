/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/quit_again.c -- SIGQUIT again while its report is being written
 *
 * timeout(1) sends it to the program and then to the program's group.  The report is longer than a
 * pipe and nobody reads on, so the second one, which every thread gets, comes in the middle.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <mallow.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../parked.h"

#define CHECK(c)                                                                                   \
  do {                                                                                             \
    if (!(c)) {                                                                                    \
      fprintf(stderr, "FAIL: line %d: %s\n", __LINE__, #c);                                        \
      _exit(1);                                                                                    \
    }                                                                                              \
  } while (0)

enum { N = 2000 }; /* each has a line, and its frames */

static void waits(void *ch) {
  mw_chan_recv(ch, NULL);
}

static _Noreturn void reporter(int ready, int report) {
  mw_chan *ch = mw_chan_make(int, 0);
  for (int i = 0; i < N; i++) mw_go(waits, ch);
  until_parked(N, "[chan receive");
  CHECK(dup2(report, STDERR_FILENO) == STDERR_FILENO && write(ready, "x", 1) == 1);
  for (;;) mw_sleep(INT64_MAX);
}

static void quit_each_thread(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *dir = opendir(path);
  CHECK(dir);
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (e->d_name[0] != '.') syscall(SYS_tgkill, pid, atoi(e->d_name), SIGQUIT);
  closedir(dir);
}

static char text[4 << 20];

int main(void) {
  int ready[2], report[2], status = 0;
  char c;
  CHECK(pipe(ready) == 0 && pipe(report) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) reporter(ready[1], report[1]);
  close(ready[1]), close(report[1]);
  CHECK(read(ready[0], &c, 1) == 1 && kill(child, SIGQUIT) == 0);
  size_t n = 0;
  CHECK(read(report[0], text, 1) == 1); /* it has begun */
  n++;
  quit_each_thread(child);
  for (ssize_t r; n < sizeof text - 1 && (r = read(report[0], text + n, sizeof text - 1 - n)) > 0;)
    n += (size_t)r;
  CHECK(waitpid(child, &status, 0) == child);
  int found = 0;
  for (const char *s = text; (s = strstr(s, "[chan receive")) != NULL; s++) found++;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 2 || found != N) {
    fprintf(stderr, "FAIL: status %x, %d of %d goroutines\n%.200s", (unsigned)status, found, N,
            text);
    return 1;
  }
  puts("ok");
}
