/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/grow.c -- arrays that grow by mw_realloc, from bytes to megabytes
 *
 * The copy has the old contents, the old layout (its pointers are marked), and
 * a tail of zeros; the old array may still be used.
 */
#include "churn.h"

struct pair {
  uint64_t *value;
  uint64_t number;
};

int main(int argc, char **argv) {
  churn_begin(argc, argv, 100);
  while (churn_round()) {
    size_t limit = 1000 + churn_below(60000), room = 16;
    struct pair *pairs = mw_make(struct pair, room);
    unsigned char *bytes = mw_alloc_noscan(room);
    void **words = mw_realloc(NULL, room * sizeof *words);
    for (size_t n = 0; n < limit; n++) {
      if (n == room) {
        room = room * 3 / 2 + 1;
        struct pair *old = pairs;
        pairs = mw_realloc(pairs, room * sizeof *pairs);
        CHECK(pairs != old && *old[0].value == 0 && old[n - 1].number == n - 1);
        bytes = mw_realloc(bytes, room);
        words = mw_realloc(words, room * sizeof *words);
        for (size_t i = n; i < room; i++)
          CHECK(!pairs[i].value && !pairs[i].number && !bytes[i] && !words[i]);
      }
      pairs[n].value = mw_new(uint64_t);
      *pairs[n].value = n;
      pairs[n].number = n;
      bytes[n] = (unsigned char)n;
      words[n] = pairs[n].value;
    }
    for (size_t n = 0; n < limit; n++)
      CHECK(*pairs[n].value == n && pairs[n].number == n && bytes[n] == (unsigned char)n &&
            words[n] == pairs[n].value);
    pairs = mw_realloc(pairs, 10 * sizeof *pairs); /* and shrink */
    for (size_t n = 0; n < 10; n++) CHECK(*pairs[n].value == n);
  }
  return churn_end();
}
