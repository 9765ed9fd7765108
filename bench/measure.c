/* SPDX-License-Identifier: MIT */
/*
 * bench/measure.c -- run a program as a whole process and say what it took
 *
 *     measure FILE PROGRAM [ARGUMENTS]
 *
 * Appends one line to FILE: wall seconds, user seconds, system seconds, peak
 * resident MB.  The program's streams are left alone; its exit status is
 * returned (128 + n for signal n), 127 when it cannot be started.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: measure FILE PROGRAM [ARGUMENTS]\n", stderr);
    return 64;
  }
  double start = now();
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
    _exit(127);
  }
  int status;
  struct rusage use;
  if (child < 0 || wait4(child, &status, 0, &use) < 0) {
    perror("measure");
    return 127;
  }
  double wall = now() - start;
  FILE *out = fopen(argv[1], "a");
  if (!out) {
    fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
    return 127;
  }
  fprintf(out, "%.3f %.3f %.3f %.1f\n", wall, seconds(use.ru_utime), seconds(use.ru_stime),
          (double)use.ru_maxrss / 1024);
  fclose(out);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
