/* SPDX-License-Identifier: MIT */
/*
 * debug/traces.c -- writes the lines of gcpacertrace, scavtrace and schedtrace
 *
 * A line goes out in one write(2), so lines of several threads never mix.
 */
#include "base/traces.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/tcb.h"
#include "os/os.h"

void mwi_trace_line(const char *format, ...) {
  char line[4096];
  va_list ap;
  mwi_rt_enter();
  va_start(ap, format);
  int n = vsnprintf(line, sizeof line - 1, format, ap);
  va_end(ap);
  if (n > 0) {
    size_t len = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[len++] = '\n';
    mwi_os_write(2, line, len);
  }
  mwi_rt_leave();
}
