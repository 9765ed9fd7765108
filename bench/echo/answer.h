/* SPDX-License-Identifier: MIT */
/* bench/echo/answer.h -- what the servers in C send; Go's makes the same bytes as cheaply */
#ifndef ECHO_ANSWER_H
#define ECHO_ANSWER_H

#include <string.h>

enum { ROOM = 4096, HEAD_ROOM = 128 };

static inline char *append(char *to, const char *s) {
  size_t n = strlen(s);
  memcpy(to, s, n);
  return to + n;
}

static inline char *append_number(char *to, size_t n) {
  char digits[24], *d = digits + sizeof digits;
  do *--d = (char)('0' + n % 10);
  while ((n /= 10) != 0);
  size_t len = (size_t)(digits + sizeof digits - d);
  memcpy(to, d, len);
  return to + len;
}

/* An answer whose body is the request's `len` bytes; returns its size, at most HEAD_ROOM more. */
static inline size_t answer_make(char *out, const char *request, size_t len) {
  char *to = append(out, "HTTP/1.1 200 OK\r\nContent-Length: ");
  to = append(append_number(to, len), "\r\n\r\n");
  memcpy(to, request, len);
  return (size_t)(to - out) + len;
}

#endif
