/* SPDX-License-Identifier: MIT */
/*
 * bench/escape/across -- one program of several files and a library
 *
 * geometry.c, table.c   the library, an archive
 * model.c, main.c       the program
 * Small objects are made for each call and handed to the library by address, as
 * C interfaces have it; none is kept.
 */
#ifndef GEOMETRY_H
#define GEOMETRY_H
#include <stddef.h>
#include <stdint.h>
typedef struct vec {
  double x, y, z;
} vec;
typedef struct ray {
  const vec *from, *to;
} ray;
void vec_add(vec *out, const vec *a, const vec *b);
void vec_scale(vec *out, const vec *a, double f);
double vec_dot(const vec *a, const vec *b);
int ray_hits(const ray *r, const vec *centre, double radius, double *where);

typedef struct key {
  int64_t cell[3];
} key;
struct table;
struct table *table_make(size_t room);
void table_count(struct table *t, const key *k, double weight);
int table_find(const struct table *t, const key *k, double *weight);

double model_shade(struct table *t, const vec *eye, const vec *to);
#endif
