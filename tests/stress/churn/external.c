/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/external.c -- code without barriers moves and stores heap pointers
 *
 * libc's qsort permutes an array of pointers, strtol and strtok_r store a
 * pointer into a heap object, plain_swap (compiled without mallow) exchanges
 * what two heap cells point at; all while marking goes on.
 */
#include "churn.h"

#include "external_plain.h"

struct item {
  uint64_t value, check;
};

struct parser {
  char *end, *save;
};

enum { ITEMS = 3000 };

static struct item *item_new(uint64_t value) {
  struct item *item = mw_new(struct item);
  *item = (struct item){value, ~value};
  return item;
}

static int by_value(const void *a, const void *b) {
  const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
  return x->value < y->value ? -1 : x->value > y->value;
}

static void sort_goroutine(void *arg) {
  uint64_t random = churn_seed + 1;
  struct item **items = mw_make(struct item *, ITEMS);
  for (long round = 0; round < churn_rounds; round++) {
    for (int i = 0; i < ITEMS; i++) items[i] = item_new(churn_next(&random) >> 40);
    qsort(items, ITEMS, sizeof items[0], by_value);
    for (int i = 0; i < ITEMS; i++) {
      CHECK(items[i]->check == ~items[i]->value);
      CHECK(i == 0 || items[i - 1]->value <= items[i]->value);
    }
    plain_sort_pointers((void **)items, ITEMS);
    for (int i = 0; i < ITEMS; i++) CHECK(items[i]->check == ~items[i]->value);
  }
  mw_waitgroup_done(arg);
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 400);
  mw_waitgroup *done = mw_new(mw_waitgroup);
  mw_waitgroup_add(done, 1);
  mw_go(sort_goroutine, done);

  struct item **cells = mw_make(struct item *, 64);
  for (uint64_t i = 0; i < 64; i++) cells[i] = item_new(i);
  while (churn_round()) {
    for (int k = 0; k < 500; k++) {
      plain_swap((void **)&cells[churn_below(64)], (void **)&cells[churn_below(64)]);
      uint32_t at = churn_below(64);
      cells[at] = item_new(cells[at]->value);
    }
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++) {
      CHECK(cells[i]->check == ~cells[i]->value);
      sum += cells[i]->value;
    }
    CHECK(sum == 63 * 64 / 2);

    struct parser *p = mw_new(struct parser);
    CHECK(strtol(mw_sprintf("%d tail %ld", 12, churn_at), &p->end, 10) == 12);
    char *word = strtok_r(mw_sprintf("one,two,%ld", churn_at), ",", &p->save);
    CHECK(strcmp(word, "one") == 0);
    word = NULL;
    churn_settle();
    churn_reuse(16, 50);
    CHECK(strncmp(p->end, " tail ", 6) == 0 && atol(p->end + 6) == churn_at);
    CHECK(strcmp(strtok_r(NULL, ",", &p->save), "two") == 0);
    CHECK(atol(strtok_r(NULL, ",", &p->save)) == churn_at);
  }
  mw_waitgroup_wait(done);
  return churn_end();
}
