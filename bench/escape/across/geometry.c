/* SPDX-License-Identifier: MIT */
#include <math.h>
#include "geometry.h"

void vec_add(vec *out, const vec *a, const vec *b) {
  vec r = {a->x + b->x, a->y + b->y, a->z + b->z};
  *out = r;
}
void vec_scale(vec *out, const vec *a, double f) {
  vec r = {a->x * f, a->y * f, a->z * f};
  *out = r;
}
double vec_dot(const vec *a, const vec *b) {
  return a->x * b->x + a->y * b->y + a->z * b->z;
}
int ray_hits(const ray *r, const vec *centre, double radius, double *where) {
  vec d, m, minus;
  vec_scale(&minus, r->from, -1);
  vec_add(&d, r->to, &minus);
  vec_scale(&minus, centre, -1);
  vec_add(&m, r->from, &minus);
  double a = vec_dot(&d, &d), b = vec_dot(&m, &d), c = vec_dot(&m, &m) - radius * radius;
  double disc = b * b - a * c;
  if (disc < 0) return 0;
  *where = (-b - sqrt(disc)) / a;
  return 1;
}
