/* SPDX-License-Identifier: MIT */
/*
 * tests/pprof/cpu_time.h -- the CPU time that a profile has, read from its file
 *
 * After ../sched/check.h.
 */
#ifndef TESTS_PPROF_CPU_TIME_H
#define TESTS_PPROF_CPU_TIME_H

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static const unsigned char *at, *end;

static uint64_t varint(void) {
  uint64_t v = 0;
  for (int shift = 0; at < end; shift += 7) {
    v |= (uint64_t)(*at & 0x7f) << shift;
    if (!(*at++ & 0x80)) break;
  }
  return v;
}

/* Of profile.proto: each sample is field 2, its values, packed, are field 2 there. */
static uint64_t nanoseconds(const unsigned char *p, size_t bytes) {
  uint64_t ns = 0;
  const unsigned char *all = p + bytes;
  for (at = p, end = all; at < all;) {
    uint64_t tag = varint();
    if ((tag & 7) != 2) {
      varint();
      continue;
    }
    uint64_t n = varint();
    const unsigned char *next = at + n;
    if (tag >> 3 == 2)
      while (at < next) {
        uint64_t inner = varint();
        uint64_t m = varint();
        const unsigned char *after = at + m;
        CHECK_EQ(inner & 7, 2);
        if (inner >> 3 == 2) {
          varint();
          ns += varint();
        }
        at = after;
      }
    at = next;
  }
  return ns;
}

static uint64_t profiled_ns(int fd) {
  static unsigned char message[1 << 20];
  char command[64];
  snprintf(command, sizeof command, "gzip -dc </proc/%d/fd/%d", (int)getpid(), fd);
  FILE *f = popen(command, "r");
  CHECK(f);
  size_t n = fread(message, 1, sizeof message, f);
  CHECK_EQ(pclose(f), 0);
  CHECK(n > 0 && n < sizeof message);
  return nanoseconds(message, n);
}

#endif
