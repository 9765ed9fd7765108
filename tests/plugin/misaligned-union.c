// SPDX-License-Identifier: MIT
// A union of small numbers is aligned as they are, and no pointer that the collector cannot see.
// RUN: %mallow cc -Werror -O1 %s -o %t 2>%t.err
// RUN: not test -s %t.err
// RUN: env GODEBUG=clobberfree=1 %t
// RUN: not %mallow cc -Werror -O1 -DPACKED -c %s -o %t.o 2>%t.err
// RUN: grep -q "'packed' holds a pointer that is not aligned to 8 bytes" %t.err
// RUN: grep -q "misaligned-union.c:[0-9]*:[0-9]*: error: an array of 'struct odd' has pointers that are not aligned" %t.err
#include <mallow.h>
#include <netinet/in.h>

struct in6_addr zero;
static struct sockaddr_in6 here;
static struct {
  int n;
  struct in6_addr a;
} table[3], filled = {1, {{{2}}}};

/* Hidden from who looks at the union's type, and found all the same. */
struct hiding {
  union {
    struct __attribute__((packed)) {
      int *p;
      int k;
    } in;
    int n[3];
  } u;
};
struct hiding global;

#ifdef PACKED
struct __attribute__((packed)) odd {
  union {
    void *p;
    int n;
  } u;
  int n;
};
struct odd packed;
struct odd *make(void) {
  packed.n = 1;
  return mw_make(struct odd, 3);
}
#endif

int main(void) {
  struct sockaddr_in6 *a = mw_make(struct sockaddr_in6, 5), *one = mw_new(struct sockaddr_in6);
  here.sin6_port = 1;
  a[3] = here;
  one->sin6_addr = zero;
  zero = a[2].sin6_addr;
  table[a[3].sin6_port].a = one->sin6_addr;
  filled.n += table[1].n;
  struct hiding *h = mw_make(struct hiding, 4);
  h[2].u.in.p = mw_new(int);
  *h[2].u.in.p = 1;
  global.u.in.p = mw_new(int);
  *global.u.in.p = 2;
  mw_gc();
  return a[3].sin6_port != 1 || *h[2].u.in.p != 1 || *global.u.in.p != 2 || filled.n != 1;
}
