/* SPDX-License-Identifier: MIT */
/* tests/gc/plain_sort.h -- external code: plain_sort.c is compiled without the plugin */
#ifndef PLAIN_SORT_H
#define PLAIN_SORT_H

#include <stddef.h>

/* Sort n pointers by the unsigned long that each points to. */
void plain_sort_keys(void *pointers, size_t n);
void plain_sort(void *pointers, size_t n, int (*compare)(const void *, const void *));

#endif
