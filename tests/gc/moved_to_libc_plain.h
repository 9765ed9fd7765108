/* SPDX-License-Identifier: MIT */
/* tests/gc/moved_to_libc_plain.h -- what a library has that knows nothing of barriers */
#ifndef MOVED_TO_LIBC_PLAIN_H
#define MOVED_TO_LIBC_PLAIN_H

#include <pthread.h>

typedef struct inner {
  void *p;
} inner;
typedef struct outer {
  inner *in;
} outer;

/* o->in->p becomes the thread's value of key, and is nowhere else any more. */
void move_to_libc(outer *o, pthread_key_t key);

#endif
