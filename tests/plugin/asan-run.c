// SPDX-License-Identifier: MIT
// A user's AddressSanitizer and UBSan builds run, and find what they should.
// RUN: %mallow cc -g -O1 -fsanitize=address,undefined %s -o %t.exe
// RUN: %t.exe | grep -q 'sum 499500'
// RUN: not %t.exe overflow 2>%t.err; grep -q 'heap-buffer-overflow' %t.err
// Leaving frames behind is not mistaken for an error: longjmp, mw_goexit, exit.
// RUN: %t.exe jump now 2>%t.err; test ! -s %t.err
#include <mallow.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
struct node { struct node *next; int k; };
static struct node *list;
static jmp_buf back;
static void deep(int d, char *up) {
  char frame[200] = {up[0]}; // with marks around it
  if (d == 0) longjmp(back, 1);
  deep(d - 1, frame);
}
static void leave(void *done) {
  char frame[200] = {0};
  for (int i = 0; i < 20; i++)
    if (!setjmp(back)) deep(i % 10, frame);
  mw_chan_send((mw_chan *)done, 1);
  mw_goexit();
}
static void jumps(void) {
  mw_chan *done = mw_chan_make(int, 0);
  for (int i = 0; i < 20; i++) {
    mw_go(leave, done);
    mw_chan_recv(done, (int *)NULL);
    mw_yield();
  }
  exit(0);
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 2) jumps();
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
