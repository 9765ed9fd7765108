/* SPDX-License-Identifier: MIT */
/* bench/programs/json.c -- a text becomes a tree of values, again and again */
#include "programs.h"

struct value {
  enum { NUMBER, STRING, ARRAY, OBJECT } kind;
  struct value *next; /* in its array or object */
  char *name;         /* in an object */
  union {
    double number;
    char *string;
    struct value *first;
  };
};

/* ---- The text ----------------------------------------------------------- */

static char *text;
static size_t length, room;

static void put(const char *s) {
  size_t n = strlen(s);
  if (length + n + 1 > room) text = realloc(text, room = 2 * (length + n + 1));
  memcpy(text + length, s, n + 1);
  length += n;
}

static void write_value(uint64_t *state, int depth) {
  uint64_t r = next_random(state);
  char word[64];
  int n = 3 + (int)(r >> 8 & 7);
  switch (depth ? r & 3 : r & 1) {
  case NUMBER:
    snprintf(word, sizeof word, "%lu", r >> 40);
    put(word);
    break;
  case STRING:
    snprintf(word, sizeof word, "\"%0*lx\"", n, r >> 40);
    put(word);
    break;
  case ARRAY:
    for (int i = 0; i < n; i++) {
      put(i ? ", " : "[");
      write_value(state, depth - 1);
    }
    put("]");
    break;
  default:
    for (int i = 0; i < n; i++) {
      snprintf(word, sizeof word, "%s\"name%d\": ", i ? ", " : "{", i);
      put(word);
      write_value(state, depth - 1);
    }
    put("}");
  }
}

/* ---- The parser --------------------------------------------------------- */

static const char *at;

static void skip(const char *set) {
  at += strspn(at, set);
}

static char *parse_string(void) {
  const char *end = strchr(++at, '"');
  size_t n = (size_t)(end - at);
  char *s = make_bytes(n + 1);
  memcpy(s, at, n);
  s[n] = 0;
  at = end + 1;
  return s;
}

static struct value *parse(void) {
  struct value *v = make(struct value);
  if (*at == '"') {
    v->kind = STRING;
    v->string = parse_string();
  } else if (*at == '[' || *at == '{') {
    v->kind = *at == '[' ? ARRAY : OBJECT;
    struct value **last = &v->first;
    while (*at != ']' && *at != '}') {
      char *name = NULL;
      at++;
      skip(" ");
      if (v->kind == OBJECT) {
        name = parse_string();
        skip(": ");
      }
      struct value *member = parse();
      member->name = name;
      *last = member;
      last = &member->next;
    }
    at++;
  } else {
    char *end;
    v->number = strtod(at, &end);
    at = end;
  }
  return v;
}

static uint64_t check(const struct value *v) {
  uint64_t sum = v->name ? strlen(v->name) : 0;
  if (v->kind == NUMBER) return sum + (uint64_t)v->number;
  if (v->kind == STRING) return sum + strlen(v->string);
  for (const struct value *m = v->first; m; m = m->next) sum += check(m);
  return sum;
}

#ifdef MALLOC
static void drop_value(struct value *v) {
  if (v->kind == STRING) drop(v->string);
  if (v->kind == ARRAY || v->kind == OBJECT)
    for (struct value *m = v->first, *next; m; m = next) {
      next = m->next;
      drop_value(m);
    }
  drop(v->name);
  drop(v);
}
#endif

int main(int argc, char **argv) {
  long times = number(argc, argv, 1, 40);
  uint64_t state = 77, sum = 0;
  put("[0");
  while (length < 1000000) {
    put(", ");
    write_value(&state, 6);
  }
  put("]");
  for (long i = 0; i < times; i++) {
    at = text;
    struct value *v = parse();
    sum += check(v);
#ifdef MALLOC
    drop_value(v);
#endif
  }
  printf("%zu bytes, sum %lu\n", length, sum);
}
