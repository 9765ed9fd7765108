/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_process.c -- posix_spawn and popen, in which a thread sleeps unseen; exec
 *
 * Compiled code's calls come here.  libc starts the new process by a vfork of
 * its own, in which the calling thread sleeps, all signals blocked, until the
 * child has called exec: a stop would wait for that.  So it is a wait that the
 * runtime knows of; the processor is others' meanwhile.  What libc reads there
 * (arguments, environment) the caller's stack keeps alive; it writes only the
 * process's number.  All of that is lent [L4]: the child blocks the signal that would
 * unfold a stack, and its exec is the kernel's.
 * No cancellation points; but a thread that is cancelled asynchronously, or in a handler, ends
 * there.
 *
 * exec lends its arguments and the environment likewise, and asks for nothing else: a forked
 * child that only calls exec has no processor and needs none.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>

#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mallow.h>

#include "sched/lend.h"
#include "sched/libc.h"

int mwi_rt_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int mwi_rt_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
FILE *mwi_rt_popen(const char *command, const char *mode);

typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *,
                     const posix_spawnattr_t *, char *const[], char *const[]);

static int spawn_lent(spawn_fn *call, pid_t *pid, const char *file,
                      const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                      char *const argv[], char *const envp[]) {
  if (mwi_off_goroutine()) return call(pid, file, actions, attr, argv, envp);
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  mwi_attach();
  enum mwi_where where = mwi_where();
  const void *const things[] = {pid, file, actions, attr};
  struct mwi_lent lent;
  mwi_lend_vectors(&lent, things, 4, argv, envp);
  mwi_lend_note(&lent);
  mwi_syscall_enter();
  int r = MWI_LIBC_ON(where, int, call(pid, file, actions, attr, argv, envp));
  mwi_syscall_exit();
  mwi_lend_back(&lent);
  mwi_jumps_go(g);
  return r;
}

MWI_EXPORT int mwi_rt_posix_spawn(pid_t *pid, const char *path,
                                  const posix_spawn_file_actions_t *actions,
                                  const posix_spawnattr_t *attr, char *const argv[],
                                  char *const envp[]) {
  return spawn_lent(posix_spawn, pid, path, actions, attr, argv, envp);
}

MWI_EXPORT int mwi_rt_posix_spawnp(pid_t *pid, const char *file,
                                   const posix_spawn_file_actions_t *actions,
                                   const posix_spawnattr_t *attr, char *const argv[],
                                   char *const envp[]) {
  return spawn_lent(posix_spawnp, pid, file, actions, attr, argv, envp);
}

MWI_EXPORT FILE *mwi_rt_popen(const char *command, const char *mode) {
  if (mwi_off_goroutine()) return popen(command, mode);
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  mwi_attach();
  enum mwi_where where = mwi_where();
  const void *const things[] = {command};
  struct mwi_lent lent;
  mwi_lend_vectors(&lent, things, 1, NULL, NULL);
  mwi_lend_note(&lent);
  mwi_syscall_enter();
  FILE *f = MWI_LIBC_ON(where, FILE *, popen(command, mode));
  mwi_syscall_exit();
  mwi_lend_back(&lent);
  mwi_jumps_go(g);
  return f;
}

/* ---- exec --------------------------------------------------------------- */

int mwi_rt_execve(const char *path, char *const argv[], char *const envp[]);
int mwi_rt_execv(const char *path, char *const argv[]);
int mwi_rt_execvp(const char *file, char *const argv[]);
int mwi_rt_execvpe(const char *file, char *const argv[], char *const envp[]);
int mwi_rt_fexecve(int fd, char *const argv[], char *const envp[]);
int mwi_rt_execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags);
int mwi_rt_execl(const char *path, const char *arg, ...);
int mwi_rt_execlp(const char *file, const char *arg, ...);
int mwi_rt_execle(const char *path, const char *arg, ...);

/* A handler may jump out of it, as out of any call. */
static void lend_for_exec(struct mwi_lent *l, const char *path, char *const *argv,
                          char *const *envp) {
  const void *const things[] = {path};
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  mwi_lend_vectors(l, things, 1, argv, envp);
  mwi_lend_note(l);
  mwi_jumps_go(g);
}

/* errno is the call's. */
#define EXEC(path, argv, envp, call)                                                               \
  do {                                                                                             \
    struct mwi_lent lent;                                                                          \
    lend_for_exec(&lent, path, argv, envp);                                                        \
    int r = call;                                                                                  \
    mwi_lend_over(&lent);                                                                          \
    return r;                                                                                      \
  } while (0)

MWI_EXPORT int mwi_rt_execve(const char *path, char *const argv[], char *const envp[]) {
  EXEC(path, argv, envp, execve(path, argv, envp));
}

MWI_EXPORT int mwi_rt_execv(const char *path, char *const argv[]) {
  EXEC(path, argv, environ, execv(path, argv));
}

MWI_EXPORT int mwi_rt_execvp(const char *file, char *const argv[]) {
  EXEC(file, argv, environ, execvp(file, argv));
}

MWI_EXPORT int mwi_rt_execvpe(const char *file, char *const argv[], char *const envp[]) {
  EXEC(file, argv, envp, execvpe(file, argv, envp));
}

MWI_EXPORT int mwi_rt_fexecve(int fd, char *const argv[], char *const envp[]) {
  EXEC(NULL, argv, envp, fexecve(fd, argv, envp));
}

MWI_EXPORT int mwi_rt_execveat(int dir, const char *path, char *const argv[], char *const envp[],
                               int flags) {
  EXEC(path, argv, envp, (int)syscall(SYS_execveat, dir, path, argv, envp, flags));
}

/* The arguments of execl and its like, NULL included. */
static size_t count(const char *arg, va_list *args) {
  size_t n = 1;
  for (; arg; arg = va_arg(*args, const char *)) n++;
  return n;
}

/* argv has room for them.  Downwards first, as stacks grow: page by page. */
static void collect(char **argv, size_t n, const char *arg, va_list *args) {
  for (size_t i = n; i-- > 0;) *(char *volatile *)&argv[i] = NULL;
  for (size_t i = 0; arg; arg = va_arg(*args, const char *)) argv[i++] = (char *)(uintptr_t)arg;
}

#define LISTED(name, path, envp, call)                                                             \
  MWI_EXPORT int mwi_rt_##name(const char *path, const char *arg, ...) {                           \
    va_list args;                                                                                  \
    va_start(args, arg);                                                                           \
    size_t n = count(arg, &args);                                                                  \
    va_end(args);                                                                                  \
    if (n > INT_MAX) {                                                                             \
      errno = E2BIG;                                                                               \
      return -1;                                                                                   \
    }                                                                                              \
    char *argv[n];                                                                                 \
    va_start(args, arg);                                                                           \
    collect(argv, n, arg, &args);                                                                  \
    char *const *env = (envp);                                                                     \
    va_end(args);                                                                                  \
    EXEC(path, argv, env, call);                                                                   \
  }

LISTED(execl, path, environ, execv(path, argv))
LISTED(execlp, file, environ, execvp(file, argv))
LISTED(execle, path, va_arg(args, char *const *), execve(path, argv, env))
