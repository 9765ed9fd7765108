/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/graph.h -- graphs on the collected heap, each with a shadow
 *
 * Job      A graph is a root node and what is reachable from it.  Beside it,
 *          in malloc'ed memory that the collector never scans, stands its
 *          model: the same graph made of `struct shadow`.  Every operation
 *          changes both in the same way, so at any time a walk from the root
 *          must find exactly the nodes of the model, each with its check
 *          value.  A node that the collector took by mistake shows as a wrong
 *          check value (at once with GODEBUG=clobberfree=1, else when its
 *          memory is used again).
 * Promise  [GR1] The model holds no address of a node as it is, only inverted.
 *          So nothing but the graph itself keeps its nodes alive.
 *          [GR2] Graphs are disjoint.  Who holds the root may use graph and
 *          model, and nobody else; handing over the root hands over both.
 * Failure  Any difference prints the seed and ends the process with status 1.
 * Used by  mutator.c
 */
#ifndef STRESS_GRAPH_H
#define STRESS_GRAPH_H

#include <mallow.h>

enum {
  SLOTS = 4,        /* plain pointers in a node */
  LINK = SLOTS,     /* edge number of the atomic one */
  KIDS = SLOTS + 1, /* edge number of the first in the separate array */
  KIDS_MAX = 12,    /* its length at most */
  EDGES_MAX = KIDS + KIDS_MAX,
  NODES_MAX = 24, /* nodes in a graph; larger makes each step slower */
};

struct node {
  uint64_t check;   /* NODE_MAGIC ^ id */
  uint64_t id;      /* same as the shadow's */
  uintptr_t shadow; /* its struct shadow */
  struct node *slot[SLOTS];
  _Atomic(struct node *) link;
  struct node **kids; /* nkids used of room */
  uint32_t nkids, room;
};

struct shadow {
  uint64_t id;
  uintptr_t hidden; /* ~address of the node [GR1] */
  struct shadow *edge[EDGES_MAX];
  uint32_t nkids;
  uint32_t seen;         /* the latest walk that met it */
  struct model *root_of; /* NULL unless it is a root */
};

struct model {
  struct shadow *root;
  struct shadow *nodes[NODES_MAX]; /* the reachable ones, in no order */
  uint32_t nnodes;
  uint32_t walk;  /* number of the latest walk */
  const char *op; /* the latest operation, for the report */
};

/* Random numbers: one state for each goroutine, never shared. */
struct rng {
  uint64_t state;
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* 0 .. n-1 */
static inline uint32_t rng_below(struct rng *r, uint32_t n) {
  return (uint32_t)(rng_next(r) >> 33) % n;
}

/* Printed in every failure, so that the run can be repeated. */
extern uint64_t test_seed;
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A graph of one node. */
struct node *graph_new(void);
/* The model of the graph whose root is n.  Fails when n is no intact root. */
struct model *model_of(const struct node *root);
/* The walk: root and everything below is what the model says, and no more. */
void graph_check(const struct node *root, struct model *m);
/* Forget a graph: the model is freed, the nodes are garbage. */
void graph_drop(struct model *m);

/*
 * One random change within a graph; returns its root, which op_copy replaces.
 * The caller holds the only reference to the root.
 */
struct node *graph_mutate(struct node *root, struct model *m, struct rng *r);
/* Hang b below a node of a; b's model is freed.  False, nothing changed: no room. */
bool graph_merge(struct model *a, struct node *b_root, struct model *b, struct rng *r);
/* Take a part off that nothing else in the graph reaches: its root, or NULL. */
struct node *graph_split(struct model *m, struct rng *r);

/* Nodes in all models now. */
extern _Atomic int64_t nodes_in_models;

/* ---- Between graph.c and graph_ops.c -------------------------------------- */

/* Make n a node of m, reachable from nowhere yet.  m->nnodes < NODES_MAX. */
struct shadow *shadow_new(struct model *m, struct node *n);
/* s moves to another object, which gets its identity. */
void shadow_move(struct shadow *s, struct node *to);
struct node *node_of(const struct shadow *s);
static inline uint32_t edges_of(const struct shadow *s) {
  return KIDS + s->nkids;
}
struct node *edge_get(const struct node *n, uint32_t edge);
void edge_set(struct node *n, uint32_t edge, struct node *to);
/* Free the shadows that the root no longer reaches: their nodes are garbage. */
void model_prune(struct model *m);

#endif
