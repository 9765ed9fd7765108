/* SPDX-License-Identifier: MIT */
/*
 * gcmalloc/interpose.c -- libc's functions may be handed what gc/gcmalloc.c made
 *
 * Job      A program linked with -fgc-malloc has these in the executable, so
 *          that libraries call them too: getline on a collected buffer, say,
 *          or a library that frees what it was told to own.  malloc itself
 *          stays libc's for code that mallow has not compiled: such code stores
 *          without barriers, so its memory must not be the collector's.
 * Promise  [GM2] of gc/gcmalloc.c.
 */
#include <stddef.h>

void mwi_rt_free(void *p);
void *mwi_rt_realloc(void *p, size_t n);
void *mwi_rt_reallocarray(void *p, size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_calloc(size_t n, size_t size);

void free(void *p);
void *realloc(void *p, size_t n);
void *reallocarray(void *p, size_t n, size_t size);

void free(void *p) {
  mwi_rt_free(p);
}

/* NULL: libc's caller wants libc's memory. */
void *realloc(void *p, size_t n) {
  return p ? mwi_rt_realloc(p, n) : __libc_realloc(NULL, n);
}

void *reallocarray(void *p, size_t n, size_t size) {
  return p ? mwi_rt_reallocarray(p, n, size) : __libc_calloc(n, size);
}
