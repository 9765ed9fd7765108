/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/graph.c -- graphs and their shadows: making, walking, joining, cutting apart
 *
 * Promise  [GR1], [GR2] of graph.h.
 * Threads  A graph is its holder's.  Identity numbers are the one thing shared.
 * Next     graph_ops.c changes graphs from within; mutator.c moves them around.
 */
#include "graph.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODE_MAGIC UINT64_C(0x6d616c6c6f772121)

uint64_t test_seed;
_Atomic int64_t nodes_in_models;
static _Atomic uint64_t last_id;

/* splitmix64: any seed, zero included, gives a good sequence. */
void rng_seed(struct rng *r, uint64_t seed) {
  r->state = seed;
}

uint64_t rng_next(struct rng *r) {
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

void fail(const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  dprintf(STDERR_FILENO, "FAIL: %s\nrepeat with MW_TEST_SEED=%" PRIu64 "\n", line, test_seed);
  _exit(1);
}

/* ---- Both halves of a node ---------------------------------------------- */

void shadow_move(struct shadow *s, struct node *to) {
  s->hidden = ~(uintptr_t)to;
  to->id = s->id;
  to->check = NODE_MAGIC ^ s->id;
  to->shadow = (uintptr_t)s;
}

struct shadow *shadow_new(struct model *m, struct node *n) {
  struct shadow *s = calloc(1, sizeof *s);
  if (!s) fail("out of memory for the shadow model");
  if (m->nnodes == NODES_MAX) fail("the model is full: a bug of the test");
  s->id = ++last_id;
  shadow_move(s, n);
  m->nodes[m->nnodes++] = s;
  nodes_in_models++;
  return s;
}

struct node *node_of(const struct shadow *s) {
  return (struct node *)~s->hidden;
}

struct node *edge_get(const struct node *n, uint32_t edge) {
  if (edge < SLOTS) return n->slot[edge];
  if (edge == LINK) return n->link;
  return n->kids[edge - KIDS];
}

void edge_set(struct node *n, uint32_t edge, struct node *to) {
  if (edge < SLOTS)
    n->slot[edge] = to;
  else if (edge == LINK)
    n->link = to;
  else
    n->kids[edge - KIDS] = to;
}

static void check_intact(const struct node *n, const struct shadow *s, const struct model *m) {
  if (n->check != (NODE_MAGIC ^ n->id) || n->id != s->id || n->shadow != (uintptr_t)s)
    fail("after %s: node %" PRIu64 " at %p is not intact: id %" PRIx64 " check %" PRIx64
         " shadow %" PRIxPTR,
         m->op, s->id, (const void *)n, n->id, n->check, n->shadow);
}

/* ---- Walks ---------------------------------------------------------------- */

/* The real graph beside the model; returns the nodes met for the first time. */
static uint32_t walk_both(const struct node *n, struct shadow *s, struct model *m) {
  if (!n || ~(uintptr_t)n != s->hidden)
    fail("after %s: %p where node %" PRIu64 " at %p belongs", m->op, (const void *)n, s->id,
         (const void *)node_of(s));
  if (s->seen == m->walk) return 0;
  s->seen = m->walk;
  check_intact(n, s, m);
  if (n->nkids != s->nkids || (n->nkids && !n->kids))
    fail("after %s: node %" PRIu64 " has %u kids at %p, not %u", m->op, s->id, n->nkids,
         (void *)n->kids, s->nkids);
  for (uint32_t i = n->nkids; i < n->room; i++)
    if (n->kids[i])
      fail("after %s: node %" PRIu64 " has %p behind its last kid, where zero belongs", m->op,
           s->id, (void *)n->kids[i]);
  uint32_t met = 1;
  for (uint32_t e = 0; e < edges_of(s); e++) {
    const struct node *to = edge_get(n, e);
    if (!s->edge[e] && to)
      fail("after %s: edge %u of node %" PRIu64 " is %p, not NULL", m->op, e, s->id,
           (const void *)to);
    if (s->edge[e]) met += walk_both(to, s->edge[e], m);
  }
  return met;
}

void graph_check(const struct node *root, struct model *m) {
  m->walk++;
  uint32_t met = walk_both(root, m->root, m);
  if (met != m->nnodes) fail("after %s: met %u nodes of %u", m->op, met, m->nnodes);
}

static void model_reach(struct shadow *s, uint32_t walk) {
  if (!s || s->seen == walk) return;
  s->seen = walk;
  for (uint32_t e = 0; e < edges_of(s); e++) model_reach(s->edge[e], walk);
}

/* The same for a part; false when it touches what the walk `stays` met. */
static bool model_reach_apart(struct shadow *s, uint32_t walk, uint32_t stays) {
  if (!s || s->seen == walk) return true;
  if (s->seen == stays) return false;
  s->seen = walk;
  for (uint32_t e = 0; e < edges_of(s); e++)
    if (!model_reach_apart(s->edge[e], walk, stays)) return false;
  return true;
}

void model_prune(struct model *m) {
  model_reach(m->root, ++m->walk);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < m->nnodes; i++) {
    if (m->nodes[i]->seen == m->walk)
      m->nodes[kept++] = m->nodes[i];
    else
      free(m->nodes[i]);
  }
  nodes_in_models -= m->nnodes - kept;
  m->nnodes = kept;
}

/* ---- Graphs --------------------------------------------------------------- */

static struct model *model_new(void) {
  struct model *m = calloc(1, sizeof *m);
  if (!m) fail("out of memory for the shadow model");
  m->op = "new";
  return m;
}

struct node *graph_new(void) {
  struct model *m = model_new();
  struct node *n = mw_new(struct node);
  m->root = shadow_new(m, n);
  m->root->root_of = m;
  return n;
}

struct model *model_of(const struct node *root) {
  if (root->check != (NODE_MAGIC ^ root->id))
    fail("a root at %p is not intact: id %" PRIx64 " check %" PRIx64, (const void *)root, root->id,
         root->check);
  const struct shadow *s = (const struct shadow *)root->shadow;
  if (s->id != root->id || s->hidden != ~(uintptr_t)root || !s->root_of)
    fail("the node %" PRIu64 " at %p is not the root it was", root->id, (const void *)root);
  return s->root_of;
}

void graph_drop(struct model *m) {
  for (uint32_t i = 0; i < m->nnodes; i++) free(m->nodes[i]);
  nodes_in_models -= m->nnodes;
  free(m);
}

bool graph_merge(struct model *a, struct node *b_root, struct model *b, struct rng *r) {
  if (a->nnodes + b->nnodes > NODES_MAX) return false;
  struct shadow *s = a->nodes[rng_below(r, a->nnodes)];
  uint32_t e = rng_below(r, SLOTS);
  a->op = "merge";
  node_of(s)->slot[e] = b_root;
  s->edge[e] = b->root;
  b->root->root_of = NULL;
  for (uint32_t i = 0; i < b->nnodes; i++) {
    b->nodes[i]->seen = 0;
    a->nodes[a->nnodes++] = b->nodes[i];
  }
  a->walk++; /* never 0: no shadow of b counts as seen */
  free(b);
  model_prune(a); /* what edge e led to before */
  return true;
}

struct node *graph_split(struct model *m, struct rng *r) {
  struct shadow *s = m->nodes[rng_below(r, m->nnodes)];
  uint32_t e = rng_below(r, SLOTS);
  struct shadow *part = s->edge[e];
  if (!part) return NULL;

  s->edge[e] = NULL;
  uint32_t stays = ++m->walk, goes = ++m->walk;
  model_reach(m->root, stays);
  if (!model_reach_apart(part, goes, stays)) {
    s->edge[e] = part;
    return NULL;
  }
  m->op = "split";
  struct model *taken = model_new();
  taken->walk = goes;
  taken->root = part;
  part->root_of = taken;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < m->nnodes; i++) {
    if (m->nodes[i]->seen == goes)
      taken->nodes[taken->nnodes++] = m->nodes[i];
    else
      m->nodes[kept++] = m->nodes[i];
  }
  m->nnodes = kept;
  struct node *root = node_of(s)->slot[e];
  node_of(s)->slot[e] = NULL;
  return root;
}
