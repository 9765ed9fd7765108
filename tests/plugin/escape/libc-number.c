// SPDX-License-Identifier: MIT
// A number that libc returns is no address of what it was given.
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
char first;
ssize_t f(int fd) {
  char b[256];
  ssize_t n = read(fd, b, sizeof b);
  first = b[0];
  return n;
}
size_t g(FILE *file, long value) {
  return fwrite(&value, sizeof value, 1, file);
}
time_t h(int year) {
  struct tm t = {.tm_year = year};
  return mktime(&t);
}
size_t i(const char *s) {
  wchar_t c;
  mbstate_t m;
  memset(&m, 0, sizeof m);
  return mbrtowc(&c, s, 4, &m);
}
// CHECK: {{^}}{{.*}}libc-number.c:15:16: file does not escape{{$}}
// CHECK: {{^}}{{.*}}libc-number.c:22:22: s does not escape{{$}}
