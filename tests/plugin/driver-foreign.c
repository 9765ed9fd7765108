// SPDX-License-Identifier: MIT
// Assembly and C++ pass through untouched; a mixed program links and runs.
// RUN: printf '.globl two\ntwo:\n mov $2, %%eax\n ret\n .section .note.GNU-stack,"",@progbits\n' >%t.two.s
// RUN: printf '#define V 3\n.globl three\nthree:\n mov $V, %%eax\n ret\n .section .note.GNU-stack,"",@progbits\n' >%t.three.S
// RUN: printf 'extern "C" int four() { return 4; }\n' >%t.four.cpp
// RUN: %mallow cc -Werror -c %t.two.s -o %t.2.o && %mallow cc -Werror -c %t.three.S -o %t.3.o && %mallow cc -Werror -c %t.four.cpp -o %t.4.o
// RUN: nm %t.4.o | not grep -q mwi_
// RUN: %mallow cc %s %t.2.o %t.3.o %t.4.o -o %t.exe && %t.exe | grep -q '^9$'
// RUN: %mallow cc %s %t.two.s %t.three.S -x c++ %t.four.cpp -o %t.exe2 && %t.exe2 | grep -q '^9$'
#include <stdio.h>
int two(void), three(void), four(void);
int main(void) { printf("%d\n", two() + three() + four()); return 0; }
