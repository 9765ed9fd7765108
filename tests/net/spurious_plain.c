/* SPDX-License-Identifier: MIT */
/* tests/net/spurious_plain.c -- see spurious.c; compiled by clang alone */
#define _GNU_SOURCE 1
#include "spurious_calls.h"

int spurious_external(int which, int ms);
int spurious_external(int which, int ms) {
  return spurious_call(which, ms);
}
