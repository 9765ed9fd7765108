/* SPDX-License-Identifier: MIT */
#include <mallow.h>
#include "geometry.h"

struct entry {
  key k;
  double weight;
};
struct table {
  size_t room;
  struct entry *at;
};
struct table *table_make(size_t room) {
  struct table *t = mw_new(struct table);
  t->room = room;
  t->at = mw_make(struct entry, room);
  return t;
}
static struct entry *find(const struct table *t, const key *k) {
  uint64_t h = 14695981039346656037u;
  for (int i = 0; i < 3; i++) h = (h ^ (uint64_t)k->cell[i]) * 1099511628211u;
  return &t->at[h % t->room];
}
void table_count(struct table *t, const key *k, double weight) {
  struct entry *e = find(t, k);
  e->k = *k;
  e->weight += weight;
}
int table_find(const struct table *t, const key *k, double *weight) {
  const struct entry *e = find(t, k);
  *weight = e->weight;
  return e->k.cell[0] == k->cell[0] && e->k.cell[1] == k->cell[1] && e->k.cell[2] == k->cell[2];
}
