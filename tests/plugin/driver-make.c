// SPDX-License-Identifier: MIT
// CC="mallow cc" in make and in CMake.
// RUN: mkdir %t.p && cp %s %t.p/prog.c && cd %t.p && make -s CC="%mallow cc" CFLAGS=-O2 prog && ./prog
// RUN: printf 'cmake_minimum_required(VERSION 3.10)\nproject(p C)\nadd_executable(p prog.c)\n' >%t.p/CMakeLists.txt
// RUN: CC="%mallow cc" cmake -S %t.p -B %t.p/b >%t.log 2>&1 && cmake --build %t.p/b >>%t.log 2>&1 && %t.p/b/p && nm %t.p/b/p | grep -q mw_user_main
int main(void) { return 0; }
