// SPDX-License-Identifier: MIT
// A cycle of locals stays in its frame.
struct node {
  struct node *next;
  int k;
};
int f(void) {
  struct node a, b;
  a.next = &b;
  b.next = &a;
  a.k = b.k = 1;
  return a.next->next->k;
}
// Nothing to report.
