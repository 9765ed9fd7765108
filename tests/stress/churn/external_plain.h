/* SPDX-License-Identifier: MIT */
/* tests/stress/churn/external_plain.h -- functions compiled without mallow */
#ifndef STRESS_EXTERNAL_PLAIN_H
#define STRESS_EXTERNAL_PLAIN_H

#include <stddef.h>

/* *a and *b change places. */
void plain_swap(void **a, void **b);
/* Sort an array of pointers by address, slowly, in place. */
void plain_sort_pointers(void **words, size_t n);

#endif
