/* SPDX-License-Identifier: MIT */
/*
 * debug/traces.c -- writes the lines of gcpacertrace, scavtrace and schedtrace
 *
 * A line goes out in one write(2), so lines of several threads never mix.
 */
#include "base/traces.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tcb.h"
#include "os/os.h"

struct mwi_real mwi_real(double v) {
  struct mwi_real r;
  char e[32], digits[20];
  int precision = 0, n = 0;
  do snprintf(e, sizeof e, "%.*e", precision, v < 0 ? -v : v);
  while (strtod(e, NULL) != (v < 0 ? -v : v) && ++precision < 17);
  const char *c = e;
  for (; *c && *c != 'e'; c++)
    if (*c >= '0' && *c <= '9' && n < 18) digits[n++] = *c; /* the point is the locale's */
  if (!n) {
    snprintf(r.text, sizeof r.text, "%s", v != v ? "NaN" : v < 0 ? "-Inf" : "+Inf");
    return r;
  }
  int exponent = *c ? atoi(c + 1) : 0;
  digits[n] = 0;
  char *out = r.text;
  if (v < 0) *out++ = '-';
  if (exponent < -4 || exponent >= 6) {
    *out++ = digits[0];
    if (n > 1) *out++ = '.';
    snprintf(out, sizeof r.text - 4, "%se%+03d", digits + 1, exponent);
  } else if (exponent < 0) {
    snprintf(out, sizeof r.text - 1, "0.%.*s%s", -exponent - 1, "000", digits);
  } else if (n <= exponent + 1) {
    snprintf(out, sizeof r.text - 1, "%s%.*s", digits, exponent + 1 - n, "00000");
  } else {
    snprintf(out, sizeof r.text - 1, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
  }
  return r;
}

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
