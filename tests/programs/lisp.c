/* SPDX-License-Identifier: MIT */
/*
 * tests/programs/lisp.c -- a small Lisp
 *
 * Closures, cons cells and symbols on the collected heap; primitives are called through
 * pointers, and a map over a long list is some 60,000 frames deep.
 */
#define _GNU_SOURCE 1
#include "program.h"

static bool few; /* an argument was given: less of all, for gcstress */

typedef struct obj obj;
typedef obj *prim(obj *args, obj *env);
struct obj {
  enum { INT, SYM, CONS, PRIM, LAM, NIL, TRUE_ } t;
  union {
    long n;
    char *name;
    struct {
      obj *car, *cdr;
    } c;
    prim *p;
    struct {
      obj *params, *body, *env;
    } l;
  } u;
};
static obj nil_ = {.t = NIL}, true_ = {.t = TRUE_};
static obj *symbols = &nil_;
static obj *cons(obj *a, obj *d) {
  obj *o = mw_new(obj);
  o->t = CONS;
  o->u.c.car = a;
  o->u.c.cdr = d;
  return o;
}

static obj *num(long n) {
  obj *o = mw_new(obj);
  o->t = INT;
  o->u.n = n;
  return o;
}

static obj *intern(const char *s) {
  for (obj *p = symbols; p != &nil_; p = p->u.c.cdr)
    if (!strcmp(p->u.c.car->u.name, s)) return p->u.c.car;
  obj *o = mw_new(obj);
  o->t = SYM;
  o->u.name = mw_strdup(s);
  symbols = cons(o, symbols);
  return o;
}

#define CAR(x) ((x)->u.c.car)
#define CDR(x) ((x)->u.c.cdr)
static const char *in;
static obj *read_expression(void) {
  while (*in == ' ' || *in == '\n') in++;
  if (*in == '(') {
    in++;
    obj *h = &nil_, **t = &h;
    for (;;) {
      while (*in == ' ' || *in == '\n') in++;
      if (*in == ')') {
        in++;
        return h;
      }
      obj *c = cons(read_expression(), &nil_);
      *t = c;
      t = &CDR(c);
    }
  }
  if (*in == '\'') {
    in++;
    return cons(intern("quote"), cons(read_expression(), &nil_));
  }
  if ((*in >= '0' && *in <= '9') || (*in == '-' && in[1] >= '0' && in[1] <= '9')) {
    char *e;
    long n = strtol(in, &e, 10);
    in = e;
    return num(n);
  }
  char b[64];
  int i = 0;
  while (*in && !strchr(" ()\n", *in)) b[i++] = *in++;
  b[i] = 0;
  return intern(b);
}

static obj *S_quote, *S_if, *S_define, *S_lambda, *global;
static obj *lookup(obj *s, obj *env) {
  for (; env != &nil_; env = CDR(env))
    for (obj *f = CAR(env); f != &nil_; f = CDR(f))
      if (CAR(CAR(f)) == s) return CAR(f);
  fprintf(stderr, "unbound %s\n", s->u.name);
  exit(1);
}

static obj *eval(obj *x, obj *env);
static obj *eval_list(obj *l, obj *env) {
  obj *h = &nil_, **t = &h;
  for (; l != &nil_; l = CDR(l)) {
    *t = cons(eval(CAR(l), env), &nil_);
    t = &CDR(*t);
  }
  return h;
}

static obj *eval(obj *x, obj *env) {
  for (;;) {
    if (x->t == SYM) return CDR(lookup(x, env));
    if (x->t != CONS) return x;
    obj *op = CAR(x);
    if (op == S_quote) return CAR(CDR(x));
    if (op == S_if) {
      x = eval(CAR(CDR(x)), env) != &nil_ ? CAR(CDR(CDR(x))) : CAR(CDR(CDR(CDR(x))));
      continue;
    }
    if (op == S_define) {
      obj *v = eval(CAR(CDR(CDR(x))), env);
      CAR(global) = cons(cons(CAR(CDR(x)), v), CAR(global));
      return v;
    }
    if (op == S_lambda) {
      obj *o = mw_new(obj);
      o->t = LAM;
      o->u.l.params = CAR(CDR(x));
      o->u.l.body = CAR(CDR(CDR(x)));
      o->u.l.env = env;
      return o;
    }
    obj *f = eval(op, env), *a = eval_list(CDR(x), env);
    if (f->t == PRIM) return f->u.p(a, env);
    CHECK(f->t == LAM);
    obj *fr = &nil_;
    for (obj *p = f->u.l.params; p != &nil_; p = CDR(p), a = CDR(a))
      fr = cons(cons(CAR(p), CAR(a)), fr);
    env = cons(fr, f->u.l.env);
    x = f->u.l.body;
  }
}

#define AR(name, op)                                                                               \
  static obj *name(obj *a, obj *e) {                                                               \
    (void)e;                                                                                       \
    return num(CAR(a)->u.n op CAR(CDR(a))->u.n);                                                   \
  }
AR(p_add, +) AR(p_sub, -) AR(p_mul, *) static obj *p_lt(obj *a, obj *e) {
  (void)e;
  return CAR(a)->u.n < CAR(CDR(a))->u.n ? &true_ : &nil_;
}

static obj *p_cons(obj *a, obj *e) {
  (void)e;
  return cons(CAR(a), CAR(CDR(a)));
}

static obj *p_car(obj *a, obj *e) {
  (void)e;
  return CAR(CAR(a));
}

static obj *p_cdr(obj *a, obj *e) {
  (void)e;
  return CDR(CAR(a));
}

static obj *p_null(obj *a, obj *e) {
  (void)e;
  return CAR(a) == &nil_ ? &true_ : &nil_;
}

static const struct {
  const char *n;
  prim *f;
} prims[] = {{"+", p_add},     {"-", p_sub},   {"*", p_mul},   {"<", p_lt},
             {"cons", p_cons}, {"car", p_car}, {"cdr", p_cdr}, {"null?", p_null}};
static obj *run(const char *s) {
  in = s;
  obj *r = &nil_;
  while (*in) {
    r = eval(read_expression(), global);
    while (*in == ' ' || *in == '\n') in++;
  }
  return r;
}

int main(int argc, char **argv) {
  (void)argv;
  few = argc > 1;
  S_quote = intern("quote");
  S_if = intern("if");
  S_define = intern("define");
  S_lambda = intern("lambda");
  global = cons(&nil_, &nil_);
  for (size_t i = 0; i < sizeof prims / sizeof *prims; i++) {
    obj *o = mw_new(obj);
    o->t = PRIM;
    o->u.p = prims[i].f;
    CAR(global) = cons(cons(intern(prims[i].n), o), CAR(global));
  }
  run("(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))"
      "(define map (lambda (f l) (if (null? l) '() (cons (f (car l)) (map f (cdr l))))))"
      "(define iota (lambda (n a) (if (< n 1) a (iota (- n 1) (cons n a)))))"
      "(define sum (lambda (l a) (if (null? l) a (sum (cdr l) (+ a (car l))))))"
      "(define adder (lambda (k) (lambda (x) (+ x k))))");
  CHECK(run((few ? 0 : 1) ? "(fib 24)" : "(fib 8)")->u.n == ((few ? 0 : 1) ? 46368 : 21));
  char b[200];
  long n = few ? 60 : 20000;
  snprintf(b, sizeof b, "(sum (map (adder 5) (map (lambda (x) (* x x)) (iota %ld '()))) 0)", n);
  CHECK(run(b)->u.n == n * (n + 1) * (2 * n + 1) / 6 + 5 * n);
  printf("ok\n");
  return 0;
}
