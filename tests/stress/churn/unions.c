/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/unions.c -- unions, flexible arrays, bit-fields beside pointers, tagged values
 *
 * A union's words may hold pointers or numbers; both must survive, and a number
 * that looks like an address must do no harm.
 */
#include "churn.h"

struct object;

typedef struct value {
  enum { NUMBER, REAL, OBJECT, TEXT } tag;
  union {
    uint64_t number;
    double real;
    struct object *object;
    char *text;
  } as;
} value;

struct object {
  unsigned kind : 3, colour : 5; /* bit-fields share a word with nothing that points */
  unsigned count : 24;
  struct object *parent;
  uint64_t check;
  value values[]; /* count */
};

struct wide { /* pointers at odd places of nested arrays and structs */
  char name[5];
  struct {
    short s;
    struct object *inner[2][3];
  } part[2];
  union {
    char bytes[24];
    struct {
      uint64_t a;
      struct object *b;
    } pair;
  } either;
};

static struct object *object_new(uint32_t count, struct object *parent, int depth) {
  struct object *o = mw_new_flex(struct object, values, count);
  o->kind = count & 7;
  o->colour = count & 31;
  o->count = count;
  o->parent = parent;
  o->check = count * UINT64_C(0x100000001);
  for (uint32_t i = 0; i < count; i++) {
    value *v = &o->values[i];
    v->tag = i & 3;
    if (v->tag == NUMBER) v->as.number = (uintptr_t)parent + i; /* looks like an address */
    if (v->tag == REAL) v->as.real = i * 0.5;
    if (v->tag == TEXT) v->as.text = mw_sprintf("text %u of %u", i, count);
    if (v->tag == OBJECT && depth) v->as.object = object_new(churn_below(12), o, depth - 1);
  }
  return o;
}

static void check(const struct object *o, const struct object *parent) {
  CHECK(o->check == o->count * UINT64_C(0x100000001));
  CHECK(o->kind == (o->count & 7) && o->colour == (o->count & 31) && o->parent == parent);
  for (uint32_t i = 0; i < o->count; i++) {
    const value *v = &o->values[i];
    CHECK(v->tag == (i & 3));
    if (v->tag == NUMBER) CHECK(v->as.number == (uintptr_t)parent + i);
    if (v->tag == REAL) CHECK(v->as.real == i * 0.5);
    if (v->tag == OBJECT && v->as.object) check(v->as.object, o);
    if (v->tag == TEXT) {
      char wanted[48];
      snprintf(wanted, sizeof wanted, "text %u of %u", i, o->count);
      CHECK(strcmp(v->as.text, wanted) == 0);
    }
  }
}

int main(int argc, char **argv) {
  enum { WIDE = 200 };
  churn_begin(argc, argv, 500);
  struct wide *wide = mw_make(struct wide, WIDE);
  while (churn_round()) {
    for (int k = 0; k < 20; k++) {
      struct wide *w = &wide[churn_below(WIDE)];
      w->part[churn_below(2)].inner[churn_below(2)][churn_below(3)] =
          object_new(churn_below(12), NULL, 2);
      if (churn_below(2)) {
        w->either.pair.a = 7;
        w->either.pair.b = object_new(churn_below(12), NULL, 1);
      } else {
        memset(w->either.bytes, 0x11, sizeof w->either.bytes);
      }
      wide[churn_below(WIDE)] = *w; /* struct copy with everything in it */
    }
    for (int i = 0; i < WIDE; i++) {
      for (int j = 0; j < 12; j++) {
        const struct object *o = wide[i].part[j / 6].inner[j / 3 % 2][j % 3];
        if (o) check(o, NULL);
      }
      if (wide[i].either.pair.a == 7) check(wide[i].either.pair.b, NULL);
    }
  }
  return churn_end();
}
