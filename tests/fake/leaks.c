// SPDX-License-Identifier: MIT
/*
 * fake/leaks.c -- whether AddressSanitizer looks for leaks at the end
 *
 * It does so from a process of its own, which traces this one.  Where tracing is forbidden, as
 * in some containers, it would fail every test; they go without that part then, and say so.
 * Linked into each unit test that runs under AddressSanitizer.
 */

#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizer's question, asked when the test is over: not 0 for no.  It holds its locks, which
 * the library's fork would wait for: hence the bare call. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
  pid_t child = (pid_t)syscall(SYS_fork);
  if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) == 0) return 0;
  fprintf(stderr, "leaks are not looked for: no process may be traced here\n");
  return 1;
}
