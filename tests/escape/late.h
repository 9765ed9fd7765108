/* SPDX-License-Identifier: MIT */
/* late.h -- what late.c and late_other.c share */
#ifndef LATE_H
#define LATE_H
void keep_there(int *p);
extern int *volatile kept_there;
#endif
