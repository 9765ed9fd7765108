/* SPDX-License-Identifier: MIT */
/*
 * os/inject.c -- reads MALLOW_FAIL (see os/inject.h)
 */
#include "os/inject.h"

#include <errno.h>
#include <stdlib.h>

#include "os/os.h"

struct mwi_inject_state mwi_inject_states[MWI_NINJECT];

static const char *const kind_names[MWI_NINJECT] = {"mmap", "madvise", "guard", "thread"};

static void complain(const char *item, size_t n) {
  static const char head[] = "mallow: MALLOW_FAIL: ignored item '";
  static const char tail[] = "': expected mmap:N, madvise:N, guard:N or thread:N with N >= 1\n";
  mwi_os_write(2, head, sizeof head - 1);
  mwi_os_write(2, item, n);
  mwi_os_write(2, tail, sizeof tail - 1);
}

void mwi_inject_init(void) {
  const char *s = mwi_os_getenv("MALLOW_FAIL");
  while (s && *s) {
    size_t n = strcspn(s, ",");
    bool ok = false;
    for (int k = 0; k < MWI_NINJECT; k++) {
      size_t len = strlen(kind_names[k]);
      if (n <= len + 1 || strncmp(s, kind_names[k], len) != 0 || s[len] != ':') continue;
      char *end;
      const char *digits = s + len + 1;
      errno = 0; /* strtoull takes blanks and signs, and calls -1 a large number */
      unsigned long long v = *digits >= '0' && *digits <= '9' ? strtoull(digits, &end, 10) : 0;
      if (v == 0 || end != s + n || errno) continue;
      mwi_inject_states[k].from = v;
      ok = true;
    }
    if (!ok && n) complain(s, n);
    s += n;
    if (*s) s++;
  }
}
