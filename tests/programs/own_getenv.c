// SPDX-License-Identifier: MIT
// A program with a getenv of its own, as bash has: it loops, so it polls, and a
// runtime that asked it for GOGC waited for its own start.
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;
static int asked;

char *getenv(const char *name) {
  size_t n = strlen(name);
  asked++;
  for (char **e = environ; *e; e++)
    if (!strncmp(*e, name, n) && (*e)[n] == '=') return *e + n + 1;
  return NULL;
}

int main(void) {
  const char *percent = getenv("GOGC");
  int set = mw_set_gc_percent(100);
  if (!percent || atoi(percent) != set || asked != 1)
    printf("GOGC=%s, used %d, getenv called %d times\n", percent ? percent : "", set, asked);
  else
    puts("ok");
  return 0;
}
