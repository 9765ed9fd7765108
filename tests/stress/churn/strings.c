/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/strings.c -- collected strings: copies, formats, ropes, suffixes
 *
 * A suffix is a pointer into the middle of a string, and alone keeps it.
 */
#include "churn.h"

struct rope {
  struct rope *left, *right;
  const char *leaf;
  size_t length;
};

static struct rope *leaf(const char *text) {
  struct rope *r = mw_new(struct rope);
  r->leaf = text;
  r->length = strlen(text);
  return r;
}

static struct rope *join(struct rope *a, struct rope *b) {
  struct rope *r = mw_new(struct rope);
  *r = (struct rope){.left = a, .right = b, .length = a->length + b->length};
  return r;
}

static char *flatten(const struct rope *r, char *to) {
  if (!r->leaf) return flatten(r->right, flatten(r->left, to));
  memcpy(to, r->leaf, r->length);
  return to + r->length;
}

int main(int argc, char **argv) {
  enum { WORDS = 500, SUFFIXES = 64 };
  churn_begin(argc, argv, 700);
  static const char *suffixes[SUFFIXES]; /* each the tail of "NNNNNN:rrrr" */
  static uint32_t numbers[SUFFIXES];
  while (churn_round()) {
    struct rope *all = leaf("");
    size_t length = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
      const char *word = churn_below(2) ? mw_sprintf("word %u, ", i) : mw_strdup("short, ");
      length += strlen(word);
      all = churn_below(2) ? join(all, leaf(word)) : join(all, join(leaf(""), leaf(word)));
    }
    CHECK(all->length == length);
    char *text = mw_alloc_noscan(length + 1);
    CHECK(flatten(all, text) == text + length && text[length] == 0);
    const char *p = text;
    for (uint32_t i = 0; i < WORDS; i++) {
      char wanted[32];
      snprintf(wanted, sizeof wanted, "word %u, ", i);
      size_t n = strlen(wanted);
      if (strncmp(p, wanted, n) != 0) {
        n = strlen("short, ");
        CHECK(strncmp(p, "short, ", n) == 0);
      }
      p += n;
    }
    CHECK(p == text + length);
    for (int i = 0; i < SUFFIXES; i++) {
      if (suffixes[i]) CHECK(strtoul(suffixes[i], NULL, 10) == numbers[i]);
      numbers[i] = churn_below(1000000);
      suffixes[i] =
          strchr(mw_sprintf("%0*d:%u", (int)churn_below(200) + 1, 0, numbers[i]), ':') + 1;
    }
  }
  return churn_end();
}
