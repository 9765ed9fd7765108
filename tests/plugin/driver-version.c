// SPDX-License-Identifier: MIT
// --version is clang's and ours; -print-* and -dumpversion are clang's alone.
// RUN: %mallow cc --version >%t.out && grep -q '^mallow 0' %t.out
// RUN: %mallow cc --version >%t.out && grep -q 'clang version 19' %t.out
// RUN: %mallow cc -dumpversion | grep -q '^19'
// RUN: %mallow cc -print-search-dirs >%t.out && grep -q libraries %t.out
// RUN: %mallow version | grep -q '^mallow 0'
// RUN: %mallow --help >%t.out && grep -q 'mallow cc' %t.out
// RUN: not %mallow 2>%t.err && grep -q 'usage: mallow' %t.err
// RUN: %mallow cc -v 2>%t.err && not grep -q 'no input\|undefined reference' %t.err
// RUN: %mallow flags --cflags | grep -q 'fpass-plugin=.*libmallow-cc.so'
// RUN: %mallow flags --libs | grep -q 'lmallow'
