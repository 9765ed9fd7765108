/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/arrays.c -- large objects: pointer arrays and arrays of structs over 128 KB
 *
 * The collector scans them in pieces, while pointers move from a piece that it
 * has not seen to one that it has.
 */
#include "churn.h"

struct cell {
  uint64_t value, check;
};

struct row { /* 24 bytes: pieces do not fall on its borders */
  uint64_t number;
  struct cell *cell;
  uint64_t check;
};

enum { POINTERS = 40000, ROWS = 20000 };

static struct cell *cell_new(uint64_t value) {
  struct cell *c = mw_new(struct cell);
  c->value = value;
  c->check = ~value;
  return c;
}

static bool intact(const struct cell *c) {
  return c && c->check == ~c->value;
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 50);
  struct cell **pointers = mw_make(struct cell *, POINTERS);
  struct row *rows = mw_make(struct row, ROWS);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < POINTERS; i++) {
    pointers[i] = cell_new(i);
    sum += i;
  }
  for (uint32_t i = 0; i < ROWS; i++) rows[i] = (struct row){i, cell_new(i), ~(uint64_t)i};

  while (churn_round()) {
    for (int k = 0; k < 20000; k++) { /* from one end of the array to the other */
      uint32_t a = churn_below(POINTERS), b = churn_below(POINTERS);
      struct cell *kept = pointers[a];
      pointers[a] = pointers[b];
      pointers[b] = kept;
    }
    for (int k = 0; k < 2000; k++) { /* replace, and check what was there */
      uint32_t a = churn_below(POINTERS);
      CHECK(intact(pointers[a]));
      pointers[a] = cell_new(pointers[a]->value);
    }
    uint32_t shift = 1 + churn_below(1000); /* rotate by memmove */
    struct cell **head = mw_make(struct cell *, shift);
    memcpy(head, pointers, shift * sizeof head[0]);
    memmove(pointers, pointers + shift, (POINTERS - shift) * sizeof head[0]);
    memcpy(pointers + POINTERS - shift, head, shift * sizeof head[0]);

    uint64_t found = 0;
    for (uint32_t i = 0; i < POINTERS; i++) {
      CHECK(intact(pointers[i]));
      found += pointers[i]->value;
    }
    CHECK(found == sum);

    for (int k = 0; k < 5000; k++) {
      uint32_t a = churn_below(ROWS), b = churn_below(ROWS);
      struct row kept = rows[a];
      rows[a] = rows[b];
      rows[b] = kept;
    }
    struct row *copy = mw_make(struct row, ROWS);
    memcpy(copy, rows, ROWS * sizeof copy[0]);
    rows = copy;
    for (uint32_t i = 0; i < ROWS; i++)
      CHECK(rows[i].check == ~rows[i].number && intact(rows[i].cell) &&
            rows[i].cell->value == rows[i].number);
  }
  return churn_end();
}
