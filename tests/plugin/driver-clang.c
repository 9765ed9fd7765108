// SPDX-License-Identifier: MIT
// A missing clang, one of another version, and refused arguments are one line.
// RUN: not env MALLOW_CLANG=no-such-clang %mallow cc -c %s -o %t.o 2>%t.err
// RUN: grep -q '^mallow: no-such-clang is not there: install the package clang-19' %t.err && test $(wc -l <%t.err) = 1
// RUN: printf '#!/bin/sh\necho 18.1.8\n' >%t.clang && chmod +x %t.clang
// RUN: not env MALLOW_CLANG=%t.clang %mallow cc -c %s -o %t.o 2>%t.err
// RUN: grep -q 'is version 18.1.8, the plugin is for 19' %t.err && test $(wc -l <%t.err) = 1
// RUN: not env MALLOW_CLANG=false %mallow cc -c %s -o %t.o 2>%t.err
// RUN: grep -q '^mallow: false does not say its version' %t.err && test $(wc -l <%t.err) = 1
// RUN: not %mallow cc -m=3 -c %s -o %t.o 2>%t.err
// RUN: grep -q "^mallow: unknown argument '-m=3'" %t.err
// RUN: not %mallow cc -fsanitize-coverage=trace-pc -c %s -o %t.o 2>%t.err
// RUN: for o in -fsanitize=undefined,safe-stack -fsplit-stack -mcmodel=large -mcmodel=kernel; do not %mallow cc $o -c %s -o %t.o 2>%t.err && grep -q 'cannot be combined' %t.err && test $(wc -l <%t.err) = 1 || exit 1; done
// RUN: not %mallow cc -c %s.missing -o %t.o 2>%t.err && grep -q 'no such file' %t.err
// RUN: not %mallow cc -DBROKEN -c %s -o %t.o 2>%t.err && grep -q 'driver-clang.c:.*error:' %t.err
// RUN: not %mallow cc -m32 -c %s -o %t.o 2>%t.err && grep -q 'x86-64 Linux only' %t.err
int f(void) { return 0; }
#ifdef BROKEN
int g(void) { return }
#endif
