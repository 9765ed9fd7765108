/* SPDX-License-Identifier: MIT */
/* tests/escape/linked_plain.c -- compiled by clang alone */
#include "linked.h"
void outside(struct item *p) {
  p->v++;
}
