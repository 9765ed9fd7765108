/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/gdb_linked_a.c -- variables whose place the linking decides, for gdb_linked.sh
 *
 * number and point stay on the stack, kept goes to the heap: gdb_linked_b.c keeps its address.
 */
#include "gdb_linked.h"

void stop(void) {
  __asm__ volatile("" ::: "memory");
}

static long work(int k) {
  int number = k * 3;
  struct point point = {k, 2 * k, "here"};
  fill(&number, k);
  move(&point, k);
  int kept = number + 7;
  keep(&kept);
  stop();
  return number + kept + point.x + *get();
}

int main(int argc, char **argv) {
  (void)argv;
  long sum = 0;
  for (int i = 0; i < 3; i++) sum += work(argc + i);
  return sum != 126;
}
