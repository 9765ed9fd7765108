/* SPDX-License-Identifier: MIT */
/*
 * tests/fake/fake_os.c -- see fake_os.h
 *
 * Reserved memory is inaccessible until committed, and released memory is
 * dropped for real, so a heap that uses either wrongly faults or reads wrong
 * data.  Any thread may call it; refusals are set up by one thread.
 */
#include "fake/fake_os.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct fake_os fake_os;

static bool used_up(_Atomic long *left) {
  if (*left < 0) return false;
  if (*left == 0) return true;
  --*left;
  return false;
}

static void *fake_reserve(size_t bytes, size_t align) {
  if (bytes > fake_os.reserve_limit - fake_os.reserved) return NULL;
  size_t total = bytes + align;
  char *p = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return NULL;
  char *start = (char *)mwi_align_up((uintptr_t)p, align);
  if (start > p) munmap(p, (size_t)(start - p));
  if (p + total > start + bytes) munmap(start + bytes, (size_t)(p + total - (start + bytes)));
  fake_os.reserved += bytes;
  return start;
}

static bool fake_commit(void *p, size_t bytes) {
  if (used_up(&fake_os.fail_commit_after)) return false;
  if ((uintptr_t)p % 4096 || bytes % 4096 || bytes == 0) abort();
  if (mprotect(p, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  fake_os.committed += bytes;
  return true;
}

static bool fake_release(void *p, size_t bytes) {
  if (used_up(&fake_os.fail_release_after)) return false;
  fake_os.releases++;
  return madvise(p, bytes, MADV_DONTNEED) == 0;
}

static void fake_unreserve(void *p, size_t bytes) {
  munmap(p, bytes);
  fake_os.reserved -= bytes;
}

static void *fake_map(size_t bytes) {
  if (used_up(&fake_os.fail_map_after)) return NULL;
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
  fake_os.mapped += bytes;
  return p;
}

static int64_t fake_nanotime(void) {
  return fake_os.now;
}

void fake_os_install(size_t limit) {
  fake_os.reserve_limit = limit;
  fake_os.fail_commit_after = fake_os.fail_map_after = fake_os.fail_release_after = -1;
  fake_os.now = 0;
  fake_os.reserved = fake_os.committed = fake_os.mapped = fake_os.releases = 0;
  mwi_os = (struct mwi_os_ops){.reserve = fake_reserve,
                               .commit = fake_commit,
                               .release = fake_release,
                               .unreserve = fake_unreserve,
                               .map = fake_map,
                               .nanotime = fake_nanotime};
}
