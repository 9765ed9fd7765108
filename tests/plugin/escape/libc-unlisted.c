// SPDX-License-Identifier: MIT
// A function of libc that is not in the table.
#include <pthread.h>
int f(pthread_key_t k) {
  int x = 1;
  return pthread_setspecific(k, &x);
}
// CHECK: {{^}}{{.*}}libc-unlisted.c:5:7: may move to heap: x (decided when linking){{$}}
