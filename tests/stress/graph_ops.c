/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/graph_ops.c -- random changes within one graph
 *
 * How      One function for each way in which C code moves pointers: plain
 *          stores, atomic exchange and compare-exchange, struct assignment,
 *          memcpy, memmove, memset, a growing array.  Each picks its nodes
 *          from the model, changes the nodes, then the model.
 * Threads  The graph's holder only.
 */
#include "graph.h"

#include <stdatomic.h>
#include <string.h>

static struct shadow *any_node(struct model *m, struct rng *r) {
  return m->nodes[rng_below(r, m->nnodes)];
}

/* A new node, stored straight into the old graph. */
static struct node *op_grow(struct node *root, struct model *m, struct rng *r) {
  if (m->nnodes == NODES_MAX) return root;
  struct shadow *from = any_node(m, r);
  uint32_t e = rng_below(r, edges_of(from));
  struct node *n = mw_new(struct node);
  struct shadow *s = shadow_new(m, n);
  /* the new node takes over what the edge led to, so that depth grows */
  uint32_t inner = rng_below(r, SLOTS);
  n->slot[inner] = edge_get(node_of(from), e);
  s->edge[inner] = from->edge[e];
  edge_set(node_of(from), e, n);
  from->edge[e] = s;
  return root;
}

static struct node *op_cut(struct node *root, struct model *m, struct rng *r) {
  struct shadow *s = any_node(m, r);
  uint32_t e = rng_below(r, edges_of(s));
  edge_set(node_of(s), e, NULL);
  s->edge[e] = NULL;
  return root;
}

/* A second edge to a node: shared nodes and cycles. */
static struct node *op_join(struct node *root, struct model *m, struct rng *r) {
  struct shadow *s = any_node(m, r), *to = any_node(m, r);
  uint32_t e = rng_below(r, edges_of(s));
  edge_set(node_of(s), e, node_of(to));
  s->edge[e] = to;
  return root;
}

/* Two edges change places: for a moment one target is on the stack alone. */
static struct node *op_swap(struct node *root, struct model *m, struct rng *r) {
  struct shadow *a = any_node(m, r), *b = any_node(m, r);
  uint32_t ea = rng_below(r, edges_of(a)), eb = rng_below(r, edges_of(b));
  struct node *na = node_of(a), *nb = node_of(b);
  struct node *kept = edge_get(na, ea);
  edge_set(na, ea, edge_get(nb, eb));
  edge_set(nb, eb, kept);
  struct shadow *shadow = a->edge[ea];
  a->edge[ea] = b->edge[eb];
  b->edge[eb] = shadow;
  return root;
}

static struct node *op_atomic(struct node *root, struct model *m, struct rng *r) {
  struct shadow *s = any_node(m, r), *t = any_node(m, r);
  struct node *n = node_of(s);
  if (rng_below(r, 2)) { /* exchange with a plain slot */
    uint32_t e = rng_below(r, SLOTS);
    n->slot[e] = atomic_exchange(&n->link, n->slot[e]);
    struct shadow *kept = s->edge[LINK];
    s->edge[LINK] = s->edge[e];
    s->edge[e] = kept;
    return root;
  }
  struct node *expected = s->edge[LINK] ? node_of(s->edge[LINK]) : NULL;
  if (!atomic_compare_exchange_strong(&n->link, &expected, node_of(t)))
    fail("compare-exchange found %p in a node that nobody else holds", (void *)expected);
  s->edge[LINK] = t;
  return root;
}

/* A copy takes a node's place everywhere; the old one becomes garbage. */
static struct node *op_copy(struct node *root, struct model *m, struct rng *r) {
  struct shadow *s = any_node(m, r);
  struct node *old = node_of(s), *copy = mw_new(struct node);
  if (rng_below(r, 2))
    *copy = *old;
  else
    memcpy(copy, old, sizeof *copy);
  for (uint32_t i = 0; i < m->nnodes; i++)
    for (uint32_t e = 0; e < edges_of(m->nodes[i]); e++)
      if (m->nodes[i]->edge[e] == s) {
        struct node *from = m->nodes[i] == s ? copy : node_of(m->nodes[i]);
        edge_set(from, e, copy);
      }
  old->check = 0;
  shadow_move(s, copy);
  return s == m->root ? copy : root;
}

/* The slots rotate by memmove, one way or the other. */
static struct node *op_rotate(struct node *root, struct model *m, struct rng *r) {
  struct shadow *s = any_node(m, r);
  struct node *n = node_of(s);
  if (rng_below(r, 2)) {
    struct node *first = n->slot[0];
    memmove(&n->slot[0], &n->slot[1], (SLOTS - 1) * sizeof n->slot[0]);
    n->slot[SLOTS - 1] = first;
    struct shadow *shadow = s->edge[0];
    memmove(&s->edge[0], &s->edge[1], (SLOTS - 1) * sizeof s->edge[0]);
    s->edge[SLOTS - 1] = shadow;
  } else {
    struct node *last = n->slot[SLOTS - 1];
    memmove(&n->slot[1], &n->slot[0], (SLOTS - 1) * sizeof n->slot[0]);
    n->slot[0] = last;
    struct shadow *shadow = s->edge[SLOTS - 1];
    memmove(&s->edge[1], &s->edge[0], (SLOTS - 1) * sizeof s->edge[0]);
    s->edge[0] = shadow;
  }
  return root;
}

/* The array of kids grows by mw_realloc or by memcpy, and shrinks by memset. */
static struct node *op_kids(struct node *root, struct model *m, struct rng *r) {
  struct shadow *s = any_node(m, r), *to = any_node(m, r);
  struct node *n = node_of(s);
  if (n->nkids == KIDS_MAX) {
    uint32_t left = rng_below(r, KIDS_MAX);
    memset(&n->kids[left], 0, (n->nkids - left) * sizeof n->kids[0]);
    memset(&s->edge[KIDS + left], 0, (s->nkids - left) * sizeof s->edge[0]);
    n->nkids = s->nkids = left;
    return root;
  }
  if (n->nkids == n->room) {
    uint32_t room = n->room ? 2 * n->room : 2;
    if (n->kids && rng_below(r, 2)) {
      n->kids = mw_realloc(n->kids, room * sizeof n->kids[0]);
    } else {
      struct node **kids = mw_make(struct node *, room);
      if (n->nkids) memcpy(kids, n->kids, n->nkids * sizeof kids[0]);
      n->kids = kids;
    }
    n->room = room;
  }
  n->kids[n->nkids++] = node_of(to);
  s->edge[KIDS + s->nkids++] = to;
  return root;
}

struct node *graph_mutate(struct node *root, struct model *m, struct rng *r) {
  static const struct {
    const char *name;
    struct node *(*run)(struct node *, struct model *, struct rng *);
  } ops[] = {
      {"grow", op_grow}, {"grow", op_grow},     {"cut", op_cut},
      {"join", op_join}, {"swap", op_swap},     {"atomic", op_atomic},
      {"copy", op_copy}, {"rotate", op_rotate}, {"kids", op_kids},
  };
  uint32_t chosen = rng_below(r, sizeof ops / sizeof ops[0]);
  m->op = ops[chosen].name;
  root = ops[chosen].run(root, m, r);
  model_prune(m);
  return root;
}
