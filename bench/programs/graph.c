/* SPDX-License-Identifier: MIT */
/*
 * bench/programs/graph.c -- a graph with cycles whose edges change, and searches in it
 *
 * With malloc a node has to count the edges that lead to it, and cycles that
 * nothing leads to stay; so there is none.
 */
#include "programs.h"

enum { DEGREE = 4 };

struct node {
  struct node *to[DEGREE];
  uint64_t n, seen;
};

static uint64_t search(struct node *from, uint64_t turn, struct node **queue, size_t room) {
  uint64_t sum = 0;
  size_t head = 0, tail = 0;
  from->seen = turn;
  for (queue[tail++] = from; head < tail;) {
    struct node *x = queue[head++];
    sum += x->n;
    for (int i = 0; i < DEGREE; i++)
      if (x->to[i] && x->to[i]->seen != turn && tail < room) {
        x->to[i]->seen = turn;
        queue[tail++] = x->to[i];
      }
  }
  return sum;
}

int main(int argc, char **argv) {
  long nodes = number(argc, argv, 1, 200000), turns = number(argc, argv, 2, 40);
  enum { ROOM = 20000 };
  struct node **known = make_array(struct node *, (size_t)nodes);
  struct node **queue = make_array(struct node *, ROOM);
  uint64_t state = 6, sum = 0, n = 0;
  for (long t = 1; t <= turns; t++) {
    for (long i = 0; i < nodes / 2; i++) {
      uint64_t r = next_random(&state);
      struct node **at = &known[r % (uint64_t)nodes], *x = make(struct node);
      x->n = n++;
      for (int k = 0; k < DEGREE; k++) {
        struct node *other = known[next_random(&state) % (uint64_t)nodes];
        x->to[k] = other;
        if (other) other->to[k] = x;
      }
      *at = x; /* the one before stays for as long as an edge leads to it */
    }
    for (long i = 0; i < 5; i++)
      if (known[i]) sum += search(known[i], (uint64_t)(5 * t + i), queue, ROOM);
  }
  printf("sum %lu\n", sum);
}
