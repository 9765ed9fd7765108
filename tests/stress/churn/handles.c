/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/handles.c -- objects that foreign memory keeps: handles, mw_root_add
 */
#include "churn.h"

struct item {
  struct item *next;
  uint64_t value, check;
};

enum { HANDLES = 2000, ROOTS = 16, ROOT_WORDS = 64 };

static struct item *item_new(uint64_t value) {
  struct item *item = mw_new(struct item), *next = mw_new(struct item);
  *next = (struct item){.value = value + 1, .check = ~(value + 1)};
  *item = (struct item){next, value, ~value};
  return item;
}

static void check(const struct item *item, uint64_t value) {
  CHECK(item->value == value && item->check == ~value);
  CHECK(item->next->value == value + 1 && item->next->check == ~(value + 1));
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 500);
  /* malloc'ed memory is nothing that the collector looks at */
  mw_handle *handles = calloc(HANDLES, sizeof *handles);
  struct item **roots[ROOTS] = {0};
  CHECK(handles);
  while (churn_round()) {
    for (int k = 0; k < 1000; k++) {
      uint32_t i = churn_below(HANDLES);
      if (handles[i]) {
        check(mw_handle_get(handles[i]), i);
        mw_handle_free(handles[i]);
        handles[i] = 0;
      } else {
        handles[i] = mw_handle_new(item_new(i));
        CHECK(handles[i] != 0);
      }
    }
    uint32_t r = churn_below(ROOTS);
    if (roots[r]) {
      for (uint32_t w = 0; w < ROOT_WORDS; w++)
        if (roots[r][w]) check(roots[r][w], r * 1000 + w);
      mw_root_remove(roots[r]);
      free(roots[r]);
      roots[r] = NULL;
    } else {
      roots[r] = calloc(ROOT_WORDS, sizeof *roots[r]);
      CHECK(roots[r]);
      mw_root_add(roots[r], ROOT_WORDS * sizeof *roots[r]);
      for (uint32_t w = 0; w < ROOT_WORDS; w += 1 + churn_below(4))
        roots[r][w] = item_new(r * 1000 + w);
    }
    churn_reuse(sizeof(struct item), 200);
    for (uint32_t i = 0; i < HANDLES; i++)
      if (handles[i]) check(mw_handle_get(handles[i]), i);
    for (r = 0; r < ROOTS; r++)
      for (uint32_t w = 0; roots[r] && w < ROOT_WORDS; w++)
        if (roots[r][w]) check(roots[r][w], r * 1000 + w);
  }
  return churn_end();
}
