/* SPDX-License-Identifier: MIT */
#include "geometry.h"

double model_shade(struct table *t, const vec *eye, const vec *to) {
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    vec centre = {i - 1.5, 0.3 * i, 4};
    ray r = {eye, to};
    double where = 0, before = 0;
    if (!ray_hits(&r, &centre, 1.2, &where)) continue;
    key k = {{(int64_t)(where * 64), i, 0}};
    if (table_find(t, &k, &before)) sum += before * 1e-6;
    table_count(t, &k, where);
    sum += where;
  }
  return sum;
}
