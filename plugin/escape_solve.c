/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_solve.c -- what outlives what
 *
 * Job      For each location that outlives others (the heap, a result,
 *          whatever has escaped, variables declared outside a loop), walks the
 *          edges backwards with the least number of dereferences.  A location
 *          whose address (-1) arrives at one that outlives it escapes, and
 *          then becomes a root itself: what is stored in it is on the heap.
 * Promise  [EA3] The fixpoint does not depend on the order of the walk; every
 *          location that can be reached after its frame is gone, or after its
 *          turn of the loop, has `escapes` set.
 * How      After an address has been taken the count starts at 0 again: what
 *          flows into l does not flow to root along `root = &l; l = x`.
 * Cost     Linear in edges for each root: the heap, each result, and of a
 *          function with loops what may hold the address of a variable that a
 *          deeper loop declares.
 *          [EA5] An object of which it is not known that it does not holds its own address: a
 *          flow from it to itself.  The flows into the location of kind OWN say which; what
 *          such an object leads to counts as one too, so that the least number of
 *          dereferences stands for all deeper ones, as with the other leaks.
 *          [EA4] A component with too many of both (an interpreter of a
 *          thousand functions that call each other) is walked once more,
 *          coarsely and linearly: results are part of the heap then, and what a
 *          loop declares escapes when its address is kept at all.  Whatever
 *          outlives its frame or turn still escapes; a variable whose address
 *          nothing takes never does.
 */
#include <limits.h>
#include <stdlib.h>
#include "escape.h"

static bool outlives(const struct mwcc_loc *root, const struct mwcc_loc *l) {
  if (root->kind == MWCC_LOC_HEAP || root->escapes) return true;
  if (root->kind == MWCC_LOC_RESULT) return true;
  return root->fn == l->fn && root->root && root->hold < l->depth;
}

void mwcc_esc_enqueue(struct mwcc_esc *e, int i) {
  if (e->locs[i].queued) return;
  e->locs[i].queued = true;
  if (e->nqueue == e->capqueue) {
    e->capqueue = e->capqueue ? e->capqueue * 2 : 256;
    e->queue = realloc(e->queue, (size_t)e->capqueue * sizeof *e->queue);
    if (!e->queue) abort();
  }
  e->queue[e->nqueue++] = i;
}

static void leak(struct mwcc_esc *e, int i, int root, int derefs) {
  struct mwcc_loc *p = &e->locs[i];
  const struct mwcc_loc *r = &e->locs[root];
  bool result = r->kind == MWCC_LOC_RESULT && r->fn == p->fn && !r->escapes;
  int *least = result ? &p->leak_result : &p->leak_heap;
  if (!result && !p->leaks_surely) p->leaks_surely = p->sure;
  if (derefs > 100) derefs = 100;
  if (*least >= 0 && derefs >= *least) return;
  *least = derefs;
  if (!mwcc_options()->report_flow || mwcc_arg_is_byval(p->v)) return;
  char **flow = result ? &p->result_flow : &p->flow;
  free(*flow);
  *flow = mwcc_esc_describe(e, root, i);
}

void mwcc_esc_walk(struct mwcc_esc *e, int root, bool sure, mwcc_visit visit, void *ctx) {
  unsigned generation = ++e->generation;
  struct mwcc_vec *todo = &e->todo;
  struct mwcc_loc *r = &e->locs[root];
  r->walk = generation;
  r->derefs = 0;
  r->sure = sure;
  r->via = -1;
  todo->len = 0;
  mwcc_vec_push(todo, (void *)(intptr_t)root);
  while (todo->len && e->steps >= 0) {
    int i = (int)(intptr_t)todo->at[--todo->len];
    struct mwcc_loc *l = &e->locs[i];
    bool address = l->derefs < 0;
    int derefs = address ? 0 : l->derefs;
    if (!visit(e, root, i, derefs, address, ctx)) continue;
    for (unsigned k = 0; k < l->nedges; k++) {
      const struct mwcc_edge *edge = &l->edges[k];
      struct mwcc_loc *s = &e->locs[edge->src];
      bool certain = l->sure && !edge->unknown;
      bool confirms = certain && s->kind == MWCC_LOC_VAR && !s->certain;
      if (s->escapes && s->kind != MWCC_LOC_PARAM && !confirms) continue;
      int d = derefs + edge->derefs;
      /* again, if it is found nearer, or as near on a flow that is no assumption */
      if (s->walk == generation && (s->derefs < d || (s->derefs == d && (s->sure || !certain))))
        continue;
      e->steps--;
      s->walk = generation;
      s->derefs = d;
      s->sure = certain;
      s->via = i;
      s->via_edge = edge;
      mwcc_vec_push(todo, (void *)(intptr_t)edge->src);
    }
  }
}

/* What may be seen from `root` after its own frame or turn is gone. */
static bool outlived(struct mwcc_esc *e, int root, int i, int derefs, bool address, void *ctx) {
  const struct mwcc_loc *r = &e->locs[root];
  struct mwcc_loc *l = &e->locs[i];
  (void)ctx;
  /* a result that holds its own address is copied, and the address stays */
  bool own = i == root && address && l->kind == MWCC_LOC_RESULT;
  if (!own && (i == root || !outlives(r, l))) return true;
  l->content_lost = true;
  bool copied = l->kind == MWCC_LOC_PARAM && mwcc_arg_is_byval(l->v);
  if (l->kind == MWCC_LOC_PARAM && !(copied && address) &&
      (r->escapes || r->kind == MWCC_LOC_HEAP || r->kind == MWCC_LOC_RESULT))
    leak(e, i, root, derefs);
  if (copied && address) l->leak_heap = 0; /* the copy moves, with what it holds */
  if (address && !l->escapes) {
    l->escapes = true;
    l->certain = l->sure;
    l->flow = mwcc_esc_describe(e, root, i);
    mwcc_esc_enqueue(e, i);
    return false; /* walked from in its turn */
  }
  if (address && l->sure && !l->certain) { /* for sure, as it turns out */
    l->certain = true;
    free(l->flow);
    l->flow = mwcc_esc_describe(e, root, i);
    return false;
  }
  return true;
}

static void walk(struct mwcc_esc *e, int root) {
  const struct mwcc_loc *r = &e->locs[root];
  bool sure = r->kind == MWCC_LOC_HEAP || r->kind == MWCC_LOC_RESULT || r->certain || !r->escapes;
  mwcc_esc_walk(e, root, sure, outlived, NULL);
}

/* ---- Objects that hold their own address [EA5] ---------------------------------------------- */

static bool is_object(const struct mwcc_loc *l) {
  return l->kind == MWCC_LOC_VAR || l->kind == MWCC_LOC_ALLOC || l->kind == MWCC_LOC_RESULT ||
         (l->kind == MWCC_LOC_PARAM && mwcc_arg_is_byval(l->v));
}

static bool holds_own(struct mwcc_esc *e, int root, int i, int derefs, bool address, void *ctx) {
  struct mwcc_loc *l = &e->locs[i];
  (void)root;
  (void)ctx;
  if (address && is_object(l))
    l->holds_own = true;
  else if (l->kind == MWCC_LOC_PARAM && (l->leak_own < 0 || l->leak_own > derefs))
    l->leak_own = derefs > 100 ? 100 : derefs;
  return true;
}

static void add_own_addresses(struct mwcc_esc *e) {
  if (!e->own) return;
  e->steps = LONG_MAX; /* one walk, whatever it takes */
  mwcc_esc_walk(e, e->own, true, holds_own, NULL);
  for (int i = 0; i < e->n; i++)
    if (e->locs[i].holds_own)
      mwcc_esc_flow(e, i, (struct mwcc_hole){i, -1}, e->locs[i].via_edge->at, false);
}

/* What leaks an object's content leaks its address, if that is there. */
static void leak_own_address(struct mwcc_loc *p, int *derefs) {
  if (p->leak_own >= 0 && *derefs > p->leak_own) *derefs = p->leak_own;
}

/* Something outside of its loop may hold the address of a location like this one. */
static bool turn_may_end(struct mwcc_map *outermost, const struct mwcc_loc *l) {
  uintptr_t hold;
  return mwcc_map_get(outermost, l->fn, &hold) && (int)hold < l->depth;
}

enum { COARSE_DEREFS = 4 }; /* more count as so many, which is nearer: the safe error */

/* One of the coarse walk's sources, at no dereferences: to the heap. */
static void add_source(struct mwcc_esc *e, int i) {
  struct mwcc_loc *l = &e->locs[i];
  l->derefs = 0;
  l->via = -1;
  mwcc_vec_push(&e->todo, (void *)(intptr_t)i);
}

static char *describe_coarse(struct mwcc_esc *e, int i) {
  int root = i;
  for (int guard = 0; e->locs[root].via >= 0; guard++) {
    if (guard == 1000) return NULL;
    root = e->locs[root].via;
  }
  return root == i ? NULL : mwcc_esc_describe(e, root, i);
}

/* What the exact walk found stays true, and goes in as sources. */
static void walk_coarsely(struct mwcc_esc *e, struct mwcc_map *outermost) {
  struct mwcc_vec *todo = &e->todo;
  todo->len = 0;
  for (int i = 0; i < e->n; i++) {
    struct mwcc_loc *l = &e->locs[i];
    l->derefs = COARSE_DEREFS + 1;
    l->leaks_surely = false;
    if (l->captured && turn_may_end(outermost, l)) l->escapes = true;
    if (l->kind == MWCC_LOC_HEAP || l->kind == MWCC_LOC_RESULT || l->escapes) add_source(e, i);
  }
  while (todo->len) {
    int i = (int)(intptr_t)todo->at[--todo->len];
    struct mwcc_loc *l = &e->locs[i];
    bool copied = l->kind == MWCC_LOC_PARAM && mwcc_arg_is_byval(l->v);
    bool address = l->derefs < 0;
    if (address) l->derefs = 0;
    if (l->kind == MWCC_LOC_PARAM && (l->leak_heap < 0 || l->leak_heap > l->derefs)) {
      l->leak_heap = l->derefs;
      if (mwcc_options()->report_flow && !copied && !l->flow) l->flow = describe_coarse(e, i);
    }
    if (address && !l->escapes) {
      l->escapes = true;
      if (!l->flow) l->flow = describe_coarse(e, i);
    }
    for (unsigned k = 0; k < l->nedges; k++) {
      const struct mwcc_edge *edge = &l->edges[k];
      struct mwcc_loc *s = &e->locs[edge->src];
      int d = l->derefs + edge->derefs;
      if (d > COARSE_DEREFS) d = COARSE_DEREFS;
      if (s->escapes || s->derefs <= d) continue;
      s->derefs = d;
      /* a source stays one */
      if (s->kind != MWCC_LOC_RESULT) {
        s->via = i;
        s->via_edge = edge;
      }
      mwcc_vec_push(todo, (void *)(intptr_t)edge->src);
    }
  }
}

void mwcc_esc_solve(struct mwcc_esc *e) {
  struct mwcc_map deepest = {0};   /* function -> most loops around what has its address kept */
  struct mwcc_map outermost = {0}; /* function -> fewest around what may hold one */
  add_own_addresses(e);
  for (int i = 0; i < e->n; i++)
    for (unsigned k = 0; k < e->locs[i].nedges; k++) {
      struct mwcc_loc *s = &e->locs[e->locs[i].edges[k].src];
      uintptr_t most;
      if (e->locs[i].edges[k].derefs >= 0) continue;
      s->captured = true;
      if (!s->fn) continue;
      if (!mwcc_map_get(&deepest, s->fn, &most) || (int)most < s->depth)
        mwcc_map_put(&deepest, s->fn, (uintptr_t)s->depth);
    }
  for (int i = e->n; i-- > 0;) {
    struct mwcc_loc *l = &e->locs[i];
    uintptr_t most, least;
    bool holds = l->root && mwcc_map_get(&deepest, l->fn, &most) && l->hold < (int)most;
    if (l->kind == MWCC_LOC_HEAP || l->kind == MWCC_LOC_RESULT || l->escapes || holds)
      mwcc_esc_enqueue(e, i);
    if (holds && (!mwcc_map_get(&outermost, l->fn, &least) || (int)least > l->hold))
      mwcc_map_put(&outermost, l->fn, (uintptr_t)l->hold);
  }
  e->steps = mwcc_options()->coarse ? -1 : 20000000;
  do
    while (e->nqueue && e->steps >= 0) {
      int i = e->queue[--e->nqueue];
      e->locs[i].queued = false;
      walk(e, i);
    }
  while (e->steps >= 0 && mwcc_esc_solve_given(e));
  if (e->steps < 0) {
    mwcc_esc_give_up_given(e);
    walk_coarsely(e, &outermost);
  }
  for (int i = 0; i < e->n; i++) {
    struct mwcc_loc *l = &e->locs[i];
    leak_own_address(l, &l->leak_heap);
    leak_own_address(l, &l->leak_result);
    l->sure_heap = l->leak_heap;
    for (int k = 0; l->leak_given && k < e->ngiven; k++) {
      int derefs = l->leak_given[k];
      leak_own_address(l, &derefs);
      l->leak_given[k] = (short)derefs;
    }
    for (int k = 0; l->leak_given && k < e->ngiven; k++)
      if (l->leak_given[k] >= 0 && (l->leak_heap < 0 || l->leak_heap > l->leak_given[k]))
        l->leak_heap = l->leak_given[k];
  }
  mwcc_map_fini(&deepest);
  mwcc_map_fini(&outermost);
  mwcc_vec_fini(&e->todo);
}
