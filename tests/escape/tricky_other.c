/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/tricky_other.c -- compiled by mallow, in another file than the cases
 */
#include "tricky.h"
static int *stash;
void other_put(int *p) {
  stash = p;
}
int *other_get(void) {
  return stash;
}
int *other_same(int *p) {
  return p;
}
void other_store(int **out, int *p) {
  *out = p;
}
/* stronger than the weak ones of tricky_outside.c */
void replaced(int *p) {
  stash = p;
}
int *replaced_result(int *p) {
  return p;
}
