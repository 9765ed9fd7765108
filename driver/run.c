/* SPDX-License-Identifier: MIT */
/*
 * driver/run.c -- `mallow run FILE.c [ARGUMENTS]`
 *
 * Job      Builds the file with -O1 -g to a temporary file, runs it with the
 *          arguments, removes it, and ends as the program ended: with its exit
 *          status, or by its signal.
 * How      While the program runs, the keyboard's signals go to it alone.  The
 *          file is kept until it has ended: tracebacks read their names from
 *          it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "driver.h"

/* Of the child; read by the handler. */
static volatile sig_atomic_t child;

static void pass_on(int sig) {
  if (child > 0) kill((pid_t)child, sig);
}

static int run_program(char **argv) {
  static const int passed[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
  int status = 0;
  struct sigaction ignore = {.sa_handler = SIG_IGN}, forward = {.sa_handler = pass_on};
  sigset_t held, before;
  sigemptyset(&held);
  for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) sigaddset(&held, passed[i]);
  sigprocmask(SIG_BLOCK, &held, &before);
  pid_t pid = fork();
  if (pid == 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    execv(argv[0], argv);
    fprintf(stderr, "mallow: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
  }
  child = pid;
  sigaction(SIGINT, &ignore, NULL);
  sigaction(SIGQUIT, &ignore, NULL);
  for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
    sigaction(passed[i], &forward, NULL);
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) return 1 << 8;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int run_main(int argc, char **argv) {
  static const char usage[] = "usage: mallow run FILE.c [ARGUMENTS] (options are mallow cc's)";
  struct stat st;
  if (argc < 1) fail("run: no file: %s", usage);
  if (argv[0][0] == '-' || argv[0][0] == 0) fail("run: '%s' is not a file: %s", argv[0], usage);
  if (stat(argv[0], &st) != 0) fail("run: %s: %s", argv[0], strerror(errno));
  if (S_ISDIR(st.st_mode)) fail("run: '%s' is a directory: %s", argv[0], usage);
  const char *tmp = getenv("TMPDIR");
  char *folder = format_text("%s/mallow-run-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  if (!mkdtemp(folder))
    fail("run: cannot make the folder %s (TMPDIR says where): %s", folder, strerror(errno));
  const char *slash = strrchr(argv[0], '/'), *base = slash ? slash + 1 : argv[0];
  char *program = format_text("%s/%.*s", folder, (int)strcspn(base, "."), base);
  if (program[strlen(program) - 1] == '/') program = format_text("%s/program", folder);

  char *build[] = {"-O1", "-g", argv[0], "-o", program};
  struct args command = {0};
  struct request req;
  cc_command(sizeof build / sizeof build[0], build, &command, &req);
  int status = run_and_wait(command.at);
  if (status == 0) {
    argv[0] = program;
    status = run_program(argv);
  }
  unlink(program);
  rmdir(folder);
  leave_with(status);
}
