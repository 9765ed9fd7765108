/* SPDX-License-Identifier: MIT */
/* tests/net/wrong_plain.c -- see wrong.c; compiled by clang alone */
#define _GNU_SOURCE 1
#include "wrong_calls.h"

long wrong_plain(struct place *f, int i, void *p, const char **name);
long wrong_plain(struct place *f, int i, void *p, const char **name) {
  return wrong_call(f, i, p, name);
}
