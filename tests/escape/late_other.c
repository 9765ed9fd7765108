/* SPDX-License-Identifier: MIT */
/* late_other.c -- a function of another file, which keeps what it gets (late.c) */
#include "late.h"
int *volatile kept_there;
void keep_there(int *p) {
  kept_there = p;
}
