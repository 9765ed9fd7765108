/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/plain_sort.c -- see plain_sort.h
 *
 * Heap sort, in place: libc's qsort keeps pointers in memory of its malloc,
 * which the collector does not see; that is the program's business where the
 * call is not compiled by mallow.
 */
#include "plain_sort.h"

#include <stdlib.h>

typedef int compare_fn(const void *, const void *);

static void sift(void **a, size_t i, size_t n, compare_fn *compare) {
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && compare(&a[child], &a[child + 1]) < 0) child++;
    if (compare(&a[i], &a[child]) >= 0) return;
    void *p = a[i];
    a[i] = a[child];
    a[child] = p;
  }
}

void plain_sort(void *pointers, size_t n, compare_fn *compare) {
  void **a = pointers;
  for (size_t i = n / 2; i-- > 0;) sift(a, i, n, compare);
  while (n-- > 1) {
    void *p = a[0];
    a[0] = a[n];
    a[n] = p;
    sift(a, 0, n, compare);
  }
}

static int by_key(const void *a, const void *b) {
  unsigned long x = **(unsigned long *const *)a, y = **(unsigned long *const *)b;
  return x < y ? -1 : x > y;
}

void plain_sort_keys(void *pointers, size_t n) {
  plain_sort(pointers, n, by_key);
}
