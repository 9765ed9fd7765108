// SPDX-License-Identifier: MIT
// mallow cc knows source positions without -g.
// RUN: %mallow cc -O2 -c %s -o %t.o 2>%t.err
// RUN: grep -q "tls-position.c:7:27: warning: thread-local 'counter'" %t.err

static _Thread_local int counter;
int next(void) { return ++counter; }
