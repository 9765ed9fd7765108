// SPDX-License-Identifier: MIT
// mallow run: arguments, exit status, signals; nothing is left behind.
// RUN: mkdir %t.tmp
// RUN: TMPDIR=%t.tmp %mallow run %s three args here | grep -q '^4 here$'
// RUN: status=0; TMPDIR=%t.tmp %mallow run %s 1 || status=$?; test $status = 1
// RUN: status=0; (TMPDIR=%t.tmp %mallow run %s 1 2 3 4 5) 2>/dev/null || status=$?; test $status -gt 128
// RUN: test -z "$(ls %t.tmp)"
// RUN: not %mallow run -O2 %s 2>%t.err && grep -q "run: '-O2' is not a file: usage: mallow run" %t.err
#include <signal.h>
#include <stdio.h>
int main(int argc, char **argv) {
  if (argc > 5) raise(SIGKILL);
  printf("%d %s\n", argc, argv[argc - 1]);
  return argc == 2;
}
