// SPDX-License-Identifier: MIT
// C++ is refused with a message; mallow cc gives it to clang as it is.
// RUN: not %cc -x c++ -c %s -o %t 2>%t.err
// RUN: grep -c 'cxx.c:9:.*error: mallow compiles C, and this is C++' %t.err
// RUN: cp %s %t.cpp
// RUN: %mallow cc -Werror -c %t.cpp -o %t
// RUN: %mallow cc -Werror -c -x c %s -o %t
int user(int x);
int add(int a) { return user(a); }
