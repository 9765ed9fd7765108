// SPDX-License-Identifier: MIT
// -c -S -E -M, standard input, response files, -x c, several files, -v, -###.
// RUN: cd %t.d 2>/dev/null || mkdir %t.d
// RUN: %mallow cc -c %s -o %t.o && test -s %t.o
// RUN: %mallow cc -S %s -o %t.s && grep -q mw_text %t.s
// RUN: %mallow cc -E %s >%t.out && grep -q 'int answer' %t.out
// RUN: %mallow cc -M %s | grep -q 'driver-modes.c'
// RUN: %mallow cc -MMD -MF %t.dep -c %s -o %t.o && grep -q driver-modes.c %t.dep
// RUN: cat %s | %mallow cc -x c -c - -o %t.o && nm %t.o >%t.out && grep -q answer %t.out
// RUN: cat %s | %mallow cc -xc -c -o %t.o - && nm %t.o >%t.out && grep -q answer %t.out
// RUN: echo '-c %s -o %t.resp.o' >%t.rsp && %mallow cc @%t.rsp && test -s %t.resp.o
// RUN: cp %s %t.one.c && sed s/answer/question/ %s >%t.two.c && cd %t.d && %mallow cc -c %t.one.c %t.two.c && ls *.o | wc -l | grep -q 2
// RUN: %mallow cc -fsyntax-only %s
// RUN: %mallow cc -v -c %s -o %t.o 2>%t.err && grep -q 'fpass-plugin=' %t.err
// RUN: %mallow cc -'###' -c %s -o %t.none.o 2>%t.err && ! test -e %t.none.o && grep -q cc1 %t.err
// RUN: %mallow cc -c -g -fPIC -O3 -Werror -Wall -Wextra %s -o %t.o
// RUN: %mallow cc -Werror -c %t.two.c -o %t.o && %mallow cc -Werror -shared %t.o -o %t.so
int answer(void);
int answer(void) { return 42; }
