/* SPDX-License-Identifier: MIT */
/*
 * bench/escape/vectors.c -- bodies under gravity; every vector is an object
 *
 * Written as in a language where `new` is the way to make a value.
 */
#include <math.h>
#include "measure.h"

typedef struct vec {
  double x, y, z;
} vec;
typedef struct body {
  vec *at, *speed;
  double mass;
} body;

static vec *make(double x, double y, double z) {
  vec *v = mw_new(vec);
  v->x = x;
  v->y = y;
  v->z = z;
  return v;
}
static vec *add(const vec *a, const vec *b) {
  return make(a->x + b->x, a->y + b->y, a->z + b->z);
}
static vec *sub(const vec *a, const vec *b) {
  return make(a->x - b->x, a->y - b->y, a->z - b->z);
}
static vec *scale(const vec *a, double f) {
  return make(a->x * f, a->y * f, a->z * f);
}
static double dot(const vec *a, const vec *b) {
  return a->x * b->x + a->y * b->y + a->z * b->z;
}

enum { BODIES = 8, STEPS = 100000 };

static void step(body *b, double dt) {
  for (int i = 0; i < BODIES; i++) {
    for (int j = 0; j < BODIES; j++) {
      if (i == j) continue;
      vec *d = sub(b[j].at, b[i].at);
      double r2 = dot(d, d) + 1e-3;
      vec *pull = scale(d, b[j].mass * dt / (r2 * sqrt(r2)));
      *b[i].speed = *add(b[i].speed, pull);
    }
  }
  for (int i = 0; i < BODIES; i++) b[i].at = add(b[i].at, scale(b[i].speed, dt));
}

int main(void) {
  body *b = mw_make(body, BODIES);
  for (int i = 0; i < BODIES; i++) {
    b[i].at = make(cos(i), sin(i), i * 0.1);
    b[i].speed = make(-sin(i), cos(i), 0);
    b[i].mass = 1.0 / (i + 1);
  }
  measure_begin();
  for (int i = 0; i < STEPS; i++) step(b, 1e-4);
  measure_end("vectors", dot(b[0].at, b[0].at));
}
