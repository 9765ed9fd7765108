/* SPDX-License-Identifier: MIT */
/* errors.c -- profiles that cannot be written: -1, errno, and the program goes on */
#include <mallow.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const names[] = {"heap",         "allocs", "goroutine",
                                    "threadcreate", "block",  "mutex"};

static void expect(int result, int wanted_errno, const char *what) {
  if (result == -1 && errno == wanted_errno) return;
  fprintf(stderr, "%s: %d, %s\n", what, result, strerror(errno));
  exit(1);
}

/* Does f hold a gzip member with its end? */
static bool is_whole(FILE *f) {
  char command[64];
  snprintf(command, sizeof command, "gzip -t </proc/%d/fd/%d 2>/dev/null", getpid(), fileno(f));
  return system(command) == 0;
}

static void expect_cut_short(FILE *f) {
  off_t size = lseek(fileno(f), 0, SEEK_END);
  if (size > 0 && size <= 256 && !is_whole(f)) return;
  fprintf(stderr, "%ld bytes of a profile on a small disk\n", (long)size);
  exit(1);
}

static void *keep[1000];

int main(void) {
  mw_set_mem_profile_rate(1);
  for (int i = 0; i < 1000; i++) keep[i] = mw_alloc((size_t)i + 1);
  int full = open("/dev/full", O_WRONLY), reading = open("/dev/null", O_RDONLY);
  int closed = dup2(full, 900); /* a number that nothing opened later gets */
  close(closed);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int debug = 0; debug <= 2; debug++) {
      expect(mw_pprof_write(names[i], full, debug), ENOSPC, names[i]);
      expect(mw_pprof_write(names[i], closed, debug), EBADF, names[i]);
      int lowest = dup(full); /* the number that what is opened next would get */
      close(lowest);
      expect(mw_pprof_write(names[i], lowest, debug), EBADF, names[i]);
      expect(mw_pprof_write(names[i], reading, debug), EBADF, names[i]);
    }
  expect(mw_pprof_write("heep", 1, 0), ENOENT, "unknown name");
  expect(mw_pprof_write("", 1, 1), ENOENT, "no name");

  expect(mw_pprof_stop_cpu(), EINVAL, "stop before start");
  expect(mw_pprof_start_cpu(closed), EBADF, "start on a closed fd");
  if (mw_pprof_start_cpu(full) != 0) return 1;
  expect(mw_pprof_start_cpu(full), EBUSY, "start twice");
  expect(mw_pprof_stop_cpu(), ENOSPC, "stop on a full disk");
  expect(mw_pprof_stop_cpu(), EINVAL, "stop twice");

  /* a file that may not grow to the profile's size: what is there is not whole */
  struct rlimit limit = {256, RLIM_INFINITY};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  FILE *f = tmpfile();
  if (!f) return 1;
  expect(mw_pprof_write("heap", fileno(f), 0), EFBIG, "a small disk");
  expect_cut_short(f);
  if (mw_pprof_start_cpu(fileno(f)) != 0) return 1;
  expect(mw_pprof_stop_cpu(), EFBIG, "a CPU profile on a small disk");

  /* there is room again, and the next one is whole */
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    f = tmpfile();
    if (!f || mw_pprof_write(names[i], fileno(f), 0) != 0 || !is_whole(f)) {
      fprintf(stderr, "%s after the disk was full\n", names[i]);
      return 1;
    }
    fclose(f);
  }
  mw_keep_alive(keep);
  return 0;
}
