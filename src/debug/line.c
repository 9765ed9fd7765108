/* SPDX-License-Identifier: MIT */
/*
 * debug/line.c -- building one line of output; see debug/line.h
 */
#include "debug/line.h"
#include "os/os.h"

void mwi_line_bytes(struct mwi_line *l, const char *p, size_t n) {
  size_t room = MWI_LINE_BYTES - 1 - l->len; /* one byte is kept for the newline */
  if (n > room) n = room;
  memcpy(l->buf + l->len, p, n);
  l->len += n;
}

void mwi_line_str(struct mwi_line *l, const char *s) {
  if (!s) s = "(null)";
  mwi_line_bytes(l, s, strlen(s));
}

void mwi_line_udec(struct mwi_line *l, uint64_t v) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + v % 10);
  while (v /= 10);
  mwi_line_bytes(l, digits + at, sizeof digits - at);
}

void mwi_line_dec(struct mwi_line *l, int64_t v) {
  if (v < 0) mwi_line_bytes(l, "-", 1);
  mwi_line_udec(l, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void mwi_line_hex(struct mwi_line *l, uint64_t v) {
  char digits[16];
  size_t at = sizeof digits;
  do digits[--at] = "0123456789abcdef"[v & 15];
  while (v >>= 4);
  mwi_line_bytes(l, "0x", 2);
  mwi_line_bytes(l, digits + at, sizeof digits - at);
}

void mwi_line_quoted(struct mwi_line *l, const char *s) {
  mwi_line_bytes(l, "\"", 1);
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c < 0x20 || c == 0x7f) {
      char esc[4] = {'\\', 'x', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
      mwi_line_bytes(l, esc, sizeof esc);
    } else {
      if (c == '"' || c == '\\') mwi_line_bytes(l, "\\", 1);
      mwi_line_bytes(l, s, 1);
    }
  }
  mwi_line_bytes(l, "\"", 1);
}

int mwi_line_end(struct mwi_line *l, int fd) {
  l->buf[l->len] = '\n';
  int r = mwi_os_write(fd, l->buf, l->len + 1);
  l->len = 0;
  return r;
}
