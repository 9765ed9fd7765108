/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_process.c -- posix_spawn and popen, in which a thread sleeps unseen
 *
 * Compiled code's calls come here.  libc starts the new process by a vfork of
 * its own, in which the calling thread sleeps, all signals blocked, until the
 * child has called exec: a stop would wait for that.  So it is a wait that the
 * runtime knows of; the processor is others' meanwhile.  What libc reads there
 * (arguments, environment) the caller's stack keeps alive; it writes only the
 * process's number.  All of that is lent [L4]: the child blocks the signal that would
 * unfold a stack, and its exec is the kernel's.
 */
#include <spawn.h>
#include <stdio.h>

#include <mallow.h>

#include "sched/lend.h"
#include "sched/proc.h"

int mwi_rt_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int mwi_rt_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
FILE *mwi_rt_popen(const char *command, const char *mode);

MWI_EXPORT int mwi_rt_posix_spawn(pid_t *pid, const char *path,
                                  const posix_spawn_file_actions_t *actions,
                                  const posix_spawnattr_t *attr, char *const argv[],
                                  char *const envp[]) {
  if (mwi_off_goroutine()) return posix_spawn(pid, path, actions, attr, argv, envp);
  mwi_attach();
  const void *const things[] = {pid, path, actions, attr};
  struct mwi_lent lent;
  mwi_lend_vectors(&lent, things, 4, argv, envp);
  mwi_syscall_enter();
  int r = posix_spawn(pid, path, actions, attr, argv, envp);
  mwi_syscall_exit();
  mwi_lend_back(&lent);
  return r;
}

MWI_EXPORT int mwi_rt_posix_spawnp(pid_t *pid, const char *file,
                                   const posix_spawn_file_actions_t *actions,
                                   const posix_spawnattr_t *attr, char *const argv[],
                                   char *const envp[]) {
  if (mwi_off_goroutine()) return posix_spawnp(pid, file, actions, attr, argv, envp);
  mwi_attach();
  const void *const things[] = {pid, file, actions, attr};
  struct mwi_lent lent;
  mwi_lend_vectors(&lent, things, 4, argv, envp);
  mwi_syscall_enter();
  int r = posix_spawnp(pid, file, actions, attr, argv, envp);
  mwi_syscall_exit();
  mwi_lend_back(&lent);
  return r;
}

MWI_EXPORT FILE *mwi_rt_popen(const char *command, const char *mode) {
  if (mwi_off_goroutine()) return popen(command, mode);
  mwi_attach();
  const void *const things[] = {command};
  struct mwi_lent lent;
  mwi_lend_vectors(&lent, things, 1, NULL, NULL);
  mwi_syscall_enter();
  FILE *f = popen(command, mode);
  mwi_syscall_exit();
  mwi_lend_back(&lent);
  return f;
}
