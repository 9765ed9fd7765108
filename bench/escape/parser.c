/* SPDX-License-Identifier: MIT */
/*
 * bench/escape/parser.c -- reads and evaluates arithmetic; tokens, scanners and
 * results are small objects that are passed around by pointer
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "measure.h"

typedef struct scanner {
  const char *at;
  int line;
} scanner;
typedef struct token {
  char kind; /* 'n' number, 0 end, else the character */
  double value;
} token;
typedef struct result {
  double value;
  const char *error;
} result;

static void next(scanner *s, token *t) {
  while (isspace((unsigned char)*s->at)) s->line += *s->at++ == '\n';
  if (isdigit((unsigned char)*s->at)) {
    double v = 0;
    while (isdigit((unsigned char)*s->at)) v = v * 10 + (*s->at++ - '0');
    t->kind = 'n';
    t->value = v;
  } else {
    t->kind = *s->at;
    if (*s->at) s->at++;
  }
}

static void sum(scanner *s, token *t, result *out);

static void factor(scanner *s, token *t, result *out) {
  if (t->kind == 'n') {
    out->value = t->value;
    next(s, t);
  } else if (t->kind == '(') {
    next(s, t);
    sum(s, t, out);
    if (t->kind != ')') out->error = "missing )";
    next(s, t);
  } else {
    out->error = "number expected";
  }
}

static void product(scanner *s, token *t, result *out) {
  factor(s, t, out);
  while (t->kind == '*' || t->kind == '/') {
    char op = t->kind;
    result *right = mw_new(result);
    next(s, t);
    factor(s, t, right);
    out->value = op == '*' ? out->value * right->value : out->value / right->value;
    if (right->error) out->error = right->error;
  }
}

static void sum(scanner *s, token *t, result *out) {
  product(s, t, out);
  while (t->kind == '+' || t->kind == '-') {
    char op = t->kind;
    result *right = mw_new(result);
    next(s, t);
    product(s, t, right);
    out->value += op == '+' ? right->value : -right->value;
    if (right->error) out->error = right->error;
  }
}

static __attribute__((noinline)) double evaluate(const char *text) {
  scanner *s = mw_new(scanner);
  token *t = mw_new(token);
  result *r = mw_new(result);
  s->at = text;
  next(s, t);
  sum(s, t, r);
  if (r->error) abort();
  return r->value;
}

int main(void) {
  static const char *const texts[] = {"1 + 2 * (3 - 4) * 5 - 60 / 7",
                                      "((1 + 2) * (3 + 4) - 5) * (6 + 7 * (8 - 9))",
                                      "12 * 34 + 56 * 78 - 90 * (1 + 23) / 45"};
  double total = 0;
  measure_begin();
  for (int i = 0; i < 1500000; i++) total += evaluate(texts[i % 3]);
  measure_end("parser", total);
}
