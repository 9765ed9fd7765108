// SPDX-License-Identifier: MIT
// A local list whose nodes point to each other stays in its frame.
struct node {
  struct node *next;
  int k;
};
int f(void) {
  struct node a = {0, 1}, b = {&a, 2};
  return b.next->k;
}
// Nothing to report.
