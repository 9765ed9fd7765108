// SPDX-License-Identifier: MIT
// Objects, archives, shared libraries, -static-mallow, LTO: linked and run.
// RUN: %mallow cc -O2 -DLIB -fPIC -c %s -o %t.lib.o && %mallow cc -O2 -c %s -o %t.main.o
// RUN: %mallow cc %t.main.o %t.lib.o -o %t.exe && %t.exe | grep -q 'sum 5050'
// RUN: ar rcs %t.a %t.lib.o && %mallow cc %t.main.o %t.a -o %t.exe && %t.exe | grep -q 'sum 5050'
// RUN: %mallow cc -shared %t.lib.o -o %t.so && %mallow cc %t.main.o %t.so -o %t.exe && %t.exe | grep -q 'sum 5050'
// RUN: %mallow cc -static-mallow %t.main.o %t.lib.o -o %t.exe && %t.exe | grep -q 'sum 5050' && ldd %t.exe | not grep -q libmallow
// RUN: %mallow cc -O2 -flto -DLIB -c %s -o %t.l.o && %mallow cc -O2 -flto -c %s -o %t.m.o && %mallow cc -O2 -flto %t.l.o %t.m.o -o %t.exe && %t.exe | grep -q 'sum 5050'
// RUN: %mallow cc -O2 -flto=thin -DLIB -c %s -o %t.l.o && %mallow cc -O2 -flto=thin -c %s -o %t.m.o && %mallow cc -O2 -flto=thin %t.l.o %t.m.o -o %t.exe && %t.exe | grep -q 'sum 5050'
// RUN: %mallow cc -O0 -g -Wl,-z,lazy %t.main.o %t.lib.o -o %t.exe && %t.exe | grep -q 'sum 5050'
#include <mallow.h>
#include <stdio.h>
struct node { struct node *next; int k; };
struct node *push(struct node *, int);
#ifdef LIB
struct node *push(struct node *head, int k) {
  struct node *n = mw_new(struct node);
  n->next = head;
  n->k = k;
  return n;
}
#else
static struct node *list;
int main(void) {
  int sum = 0;
  for (int i = 1; i <= 100; i++) {
    list = push(list, i);
    if (i % 10 == 0) mw_gc();
  }
  for (struct node *n = list; n; n = n->next) sum += n->k;
  printf("sum %d\n", sum);
  return 0;
}
#endif
