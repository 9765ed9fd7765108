// SPDX-License-Identifier: MIT
// A user's AddressSanitizer and UBSan builds run, and find what they should.
// RUN: %mallow cc -g -O1 -fsanitize=address,undefined %s -o %t.exe
// RUN: %t.exe | grep -q 'sum 499500'
// RUN: not %t.exe overflow 2>%t.err; grep -q 'heap-buffer-overflow' %t.err
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
struct node { struct node *next; int k; };
static struct node *list;
int main(int argc, char **argv) {
  (void)argv;
  int sum = 0;
  for (int i = 0; i < 1000; i++) {
    struct node *n = mw_new(struct node);
    *n = (struct node){list, i};
    list = n;
    if (i % 300 == 0) mw_gc();
  }
  for (struct node *n = list; n; n = n->next) sum += n->k;
  printf("sum %d\n", sum);
  if (argc > 1) {
    char *p = malloc(8);
    sum = p[argc + 6];
    free(p);
  }
  return sum == -1;
}
