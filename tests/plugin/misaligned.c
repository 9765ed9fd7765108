// SPDX-License-Identifier: MIT
// A pointer that no word holds is an error at the allocation.
// RUN: not %mallow cc -c %s -o %t.o 2>%t.err
// RUN: grep -q "misaligned.c:10:[0-9]*: error: 'struct bad' has a pointer at offset 4, which is not a multiple of 8.*move or align that member" %t.err
// RUN: grep -q "misaligned.c:11:[0-9]*: error: an array of 'struct odd' has pointers that are not aligned to 8 bytes" %t.err
#include <mallow.h>
struct __attribute__((packed)) bad { int n; void *p; };
struct __attribute__((packed)) odd { void *p; int n; };

struct bad *a(void) { return mw_new(struct bad); }
struct odd *b(void) { return mw_make(struct odd, 3); }
struct odd *fine(void) { return mw_new(struct odd); }
