/* SPDX-License-Identifier: MIT */
/*
 * tests/fake/fake_os.h -- an operating system that can be told to refuse
 *
 * Fills `mwi_os` with functions over real memory that check their callers
 * (ranges, states) and count, with a limit on address space, and with a clock
 * that moves only when told.
 */
#ifndef FAKE_OS_H
#define FAKE_OS_H

#include "os/os.h"

struct fake_os {
  size_t reserve_limit;            /* bytes of address space that reserve gives in all */
  _Atomic long fail_commit_after;  /* < 0: never; else so many commits succeed, then none does */
  _Atomic long fail_map_after;     /* the same for map */
  _Atomic long fail_release_after; /* the same for release */
  int64_t now;                     /* what nanotime answers */

  /* counts */
  _Atomic size_t reserved, committed, mapped; /* bytes */
  _Atomic size_t releases;                    /* calls */
};
extern struct fake_os fake_os;

/* Install it, with `limit` bytes of address space and nothing failing. */
void fake_os_install(size_t limit);

#endif
