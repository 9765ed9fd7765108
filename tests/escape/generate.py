#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""generate.py SEED COUNT [PART PARTS] -- COUNT random C programs in one file, on stdout

With PART and PARTS, one of the files that the same programs are split into: functions are
dealt out to them in turn, so that most addresses go to functions of other files.

Each program has variables of its own kinds (scalar, field, element, parameter,
loop variable, compound literal, collected object; loops of every kind, with goto,
switch and computed goto too), sends their addresses along
a random chain of steps (pointers to pointers, structs, unions, integers,
copies of memory, calls of every kind) to a place that outlives the frame, and
says what value is to be found there.  When all programs have run, the stack is
overwritten, garbage is collected, and every value is read again, changed and
read once more.  With GODEBUG=clobberfree=1 an object that was freed too early
has other contents; a variable left on the stack has been overwritten.  Some of the programs
also run a function whose variables are used on some ways through it only (paths.py).
"""
import random
import re
import sys

from paths import Paths

HEAD = r"""
#define _GNU_SOURCE
#include <mallow.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define NOINLINE __attribute__((noinline))
struct box { int *p; long n; };
struct big { long a[6]; int *p; long b[3]; };
struct deep { struct box in[2]; struct deep *next; };
union word { int *p; uintptr_t u; unsigned char c[8]; struct { int *q; } s; };
struct kept { int *p; int want; int id; };
static struct kept kept[200000];
static int nkept;
static NOINLINE void keep(int *p, int want, int id) {
  kept[nkept++] = (struct kept){p, want, id};
}
static struct deep *list;
static mw_chan *ptrs, *boxes;
static int *volatile spot;
static _Atomic(int *) aspot;
static struct box gbox;
static int *garray[8];
static int fuel;
static unsigned coins = 1;
static NOINLINE int coin(void) {
  coins = coins * 1103515245 + 12345;
  return (int)(coins >> 16 & 0x7fff);
}
static NOINLINE int *same(int *p) { return p; }
static inline int *same_inline(int *p) { return p; }
static int *(*volatile same_fn)(int *) = same;
static int *same_other(int *p) { return p + 0; }
static int *(*table[2])(int *) = {same, same_other};
static NOINLINE int *first(int *a, int *b) { return a ? a : b; }
static NOINLINE void put(int **out, int *p) { *out = p; }
static NOINLINE int *get(int **pp) { return *pp; }
static NOINLINE int *get2(int ***ppp) { return **ppp; }
static NOINLINE int **addr_of(struct box *b) { return &b->p; }
static NOINLINE struct box wrap(int *p) { return (struct box){p, 7}; }
static NOINLINE struct big wrap_big(int *p) { struct big b = {{1}, p, {2}}; return b; }
static NOINLINE int *unwrap(struct box b) { return b.p; }
static NOINLINE int *unwrap_big(struct big b) { return b.p; }
static NOINLINE int *recurse(int *p, int n) { return n ? recurse(p, n - 1) : p; }
static NOINLINE int *pong(int *p, int n);
static NOINLINE int *ping(int *p, int n) { return n ? pong(p, n - 1) : p; }
static NOINLINE int *pong(int *p, int n) { return n ? ping(p, n - 1) : p; }
static NOINLINE int *variadic(int n, ...) {
  va_list ap;
  va_start(ap, n);
  int *p = NULL;
  while (n--) p = va_arg(ap, int *);
  va_end(ap);
  return p;
}
static NOINLINE void bytes(void *d, const void *s, size_t n) {
  char *a = d;
  const char *b = s;
  while (n--) *a++ = *b++;
}
static NOINLINE uintptr_t number(int *p) { return (uintptr_t)p; }
static NOINLINE int *pointer(uintptr_t u) { return (int *)u; }
static int by_value(const void *a, const void *b) {
  return **(int *const *)a - **(int *const *)b;
}
static NOINLINE void through(void *arg) { *(int **)arg = *(int **)arg; }
struct job { int *p; mw_chan *done; int add; };
static void worker(void *arg) {
  struct job *j = arg;
  *j->p += j->add;
  mw_chan_send(j->done, j->p);
}
struct inner { long pad; struct box b; int *q; };
struct flex { long n; int *p[]; };
struct node { struct node *next; int *p; };
struct pp { int **q; };
typedef long pair __attribute__((vector_size(16)));
union mixed { int *p[2]; double d[2]; __int128 i; pair v; struct { char pad[8]; int *q; } s; };
static struct box *boxed;
static _Thread_local int *local_to_thread;
static _Atomic(struct box *) abox;
static mw_pool pool;
static int *seen;
static NOINLINE int *of_vla(int n, int *a[n]) { return a[n - 1]; }
static NOINLINE int *of_rows(int n, int m, int *a[n][m]) { return a[n - 1][m - 1]; }
static int *op_get(struct inner *o) { return o->q; }
static void op_set(struct inner *o, int *p) { o->b.p = o->q; o->q = p; }
struct ops { int *(*get)(struct inner *); void (*set)(struct inner *, int *); };
static const struct ops fixed = {op_get, op_set};
static struct ops *volatile chosen;
static int *(*choose(int n))(int *) { return n & 1 ? same : same_other; }
static NOINLINE struct box *ring_b(struct box *b, int n);
static NOINLINE struct box *ring_a(struct box *b, int n) { return n ? ring_b(b, n - 1) : b; }
static NOINLINE struct box *ring_b(struct box *b, int n) { return n > 1 ? ring_a(b, n - 2) : b; }
static NOINLINE int **level2(int **pp, int n) { return n ? level2(pp, n - 1) : pp; }
static NOINLINE int ***level3(int ***ppp, int n) { return n ? level3(ppp, n - 1) : ppp; }
static NOINLINE struct pp hold(int **q) { return (struct pp){q}; }
static NOINLINE int *jumped(int *p) {
  jmp_buf back;
  int *volatile q = NULL;
  if (!setjmp(back)) {
    q = p;
    longjmp(back, 1);
  }
  return q;
}
static NOINLINE int *list_of(va_list ap) { return **va_arg(ap, int ***); }
static NOINLINE int *variadic_deep(int n, ...) {
  va_list ap, copy;
  va_start(ap, n);
  va_copy(copy, ap);
  int *p = list_of(copy);
  va_end(copy);
  va_end(ap);
  return p;
}
static int notes(const void *a, const void *b) {
  seen = *(int *const *)b;
  (void)a;
  return 0;
}
static void store_in(void *arg, int *p) { *(int **)arg = p; }
static NOINLINE void each(struct box *b, void (*fn)(void *, int *), void *arg) { fn(arg, b->p); }
static void *thread(void *arg) { return *(int **)arg; }
static void answer(void *arg) {
  struct job j = *(struct job *)arg;
  struct box b = {j.p, j.add};
  mw_chan_send(boxes, b);
  (void)j;
}
static void tidy(int **pp) { seen = *pp; }
static NOINLINE int *tidied(int *p) {
  __attribute__((cleanup(tidy))) int *q = p;
  return q;
}
struct own { int *at; struct own *self, *next; int v[4]; int *p; };
static struct own *gown;
static NOINLINE void own_at(struct own *o) { o->at = o->v; }
static NOINLINE void own_self(struct own *o) { o->self = o; }
static NOINLINE void own_init(struct own *o) {
  o->at = o->v;
  o->self = o;
}
static NOINLINE void own_calls(struct own *o) {
  own_self(o);
  if (!o->at) own_at(o->self);
}
static inline void own_inline(struct own *o) { *(o->self = o) = (struct own){o->v, o, o->next, {o->v[0]}, o->p}; }
static NOINLINE struct own *own_id(struct own *o) { return o; }
static NOINLINE void own_next(struct own *o) { own_init(o->next); }
static NOINLINE void own_chain(struct own *o, int n) {
  if (n) own_chain(o->next, n - 1);
  o->at = o->v;
  o->self = o;
}
static NOINLINE void own_odd(struct own *o, int n);
static NOINLINE void own_even(struct own *o, int n) {
  if (n) own_odd(o, n - 1);
  o->self = o;
}
static NOINLINE void own_odd(struct own *o, int n) {
  o->at = o->v;
  if (n) own_even(o, n - 1);
}
static NOINLINE void own_pair(struct own *a, struct own *b) {
  a->self = a;
  b->at = b->v;
}
static NOINLINE void own_deep(struct own **o) { own_init(*o); }
static int own_cmp(const void *a, const void *b) {
  own_init((struct own *)b);
  (void)a;
  return 0;
}
static NOINLINE int *own_get(struct own *o) { return o->at; }
static NOINLINE int *own_far(struct own *o) { return o->self->self->at; }
static NOINLINE struct own own_copy(struct own *o) { return *o; }
static NOINLINE void own_out(struct own *o, int **out) { *out = o->at; }
static NOINLINE void own_lose(struct own *o) { gown = o->self; }
static NOINLINE void own_lose_next(struct own *o) { gown = o->next->self; }
static NOINLINE int *own_read(struct own *o) {
  int *p = o->p;
  own_init(o);
  return p;
}
static NOINLINE void smash(int depth) {
  volatile unsigned junk[128]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 128; i++) junk[i] = 0xa5a5a5a5;
  if (depth) smash(depth - 1);
  (void)junk[0]; /* no tail call: a frame each */
}
"""

TAIL = r"""
int main(void) {
  ptrs = mw_chan_make(int *, 4);
  boxes = mw_chan_make(struct box, 4);
  run();
  smash(40);
  mw_gc();
  int bad = 0;
  for (int i = 0; i < nkept; i++)
    if (*kept[i].p != kept[i].want) {
      if (bad++ < 10)
        printf("FAIL: program %d: %d, not %d\n", kept[i].id, *kept[i].p, kept[i].want);
    } else {
      *kept[i].p = i;
    }
  for (int i = 0; i < nkept && !bad; i++)
    if (*kept[i].p != i) {
      if (bad++ < 10) printf("FAIL: program %d: two variables in one place\n", kept[i].id);
    }
  printf("%d addresses kept: %s\n", nkept, bad ? "FAIL" : "intact");
  return bad != 0;
}
"""


# Steps as text: lines, and the expression that they give.  E is the pointer so far, V, W and I are
# names of the step's own, N is a small number.
STEPS = [
    ("", "({ int *V = E; V; })"),
    ("", "({ struct box V = {E, 1}; V; }).p"),
    ("", "((struct box){E, 4}).p"),
    ("", "(&(struct box){E, 4})->p"),
    ("", "*(int *[]){E}"),
    ("", "((int *[3]){NULL, E, NULL})[1]"),
    ("", "({ int *V[2] = {E, NULL}; int **W = &V[0]; W; })[0]"),
    ("", "({ int *V[(nkept & 3) + 1]; V[nkept & 3] = E; of_vla((nkept & 3) + 1, V); })"),
    ("int *V[2][3] = {{NULL}, {NULL, NULL, E}};", "of_rows(2, 3, V)"),
    ("int *V[N + 1]; V[N] = E; int *(*W)[N + 1] = &V;", "(*W)[N]"),
    ("int *V[2][4]; V[1][N] = E; int **W = V[1];", "W[N]"),
    ("struct inner V = {.q = E}; struct box *W = &V.b;",
     "((struct inner *)(void *)((char *)W - offsetof(struct inner, b)))->q"),
    ("struct inner V = {.b = {E, 1}}; int **W = &V.q;",
     "((struct inner *)(void *)((char *)W - offsetof(struct inner, q)))->b.p"),
    ("struct flex *V = mw_new_flex(struct flex, p, N + 1); V->p[N] = E;", "V->p[N]"),
    ("struct flex *V = mw_new_flex(struct flex, p, (size_t)(nkept & 7) + 1); V->p[nkept & 7] = E;",
     "V->p[nkept & 7]"),
    ("struct inner V = {0}; fixed.set(&V, E);", "fixed.get(&V)"),
    ("struct inner V = {.q = E}; struct ops W = {op_get, op_set}; chosen = &W; chosen->set(&V, NULL);",
     "V.b.p"),
    ("", "choose(nkept + N)(E)"),
    ("struct box V = {E, 1};", "ring_a(&V, N)->p"),
    ("int *V = E;", "*level2(&V, N)"),
    ("int *V = E; int **W = &V;", "**level3(&W, N)"),
    ("int *V = E;", "*hold(&V).q"),
    ("struct pp V = {&(int *){E}}, W = V;", "*W.q"),
    ("", "jumped(E)"),
    ("jmp_buf V; int *volatile W = E; if (!setjmp(V)) longjmp(V, 1);", "W"),
    ("int *V = E; int **W = &V;", "variadic_deep(1, &W)"),
    ("int *V[2] = {E, E}; qsort(V, 2, sizeof V[0], notes);", "seen"),
    ("int *V[2] = {E, E}; int *W = *V; bsearch(&W, V, 2, sizeof V[0], notes);", "seen"),
    ("int *V[1] = {E}; int *W = *V;", "*(int **)bsearch(&W, V, 1, sizeof V[0], by_value)"),
    ("struct box V = {E, 1}; int *W = NULL; each(&V, store_in, &W);", "W"),
    ("void (*volatile V)(void *, int *) = store_in; int *W = NULL; V(&W, E);", "W"),
    ("mw_thread_lock(); local_to_thread = E; int *V = local_to_thread; mw_thread_unlock();", "V"),
    ("struct box V = {E, 1}; boxed = &V;", "boxed->p"),
    ("boxed = &(struct box){E, N};", "boxed->p"),
    ("struct box V = {E, 1}; atomic_store(&abox, &V);", "atomic_load(&abox)->p"),
    ("struct box V = {E, 1}; atomic_exchange(&abox, &V); struct box *W = atomic_exchange(&abox, NULL);",
     "W->p"),
    ("_Atomic(int *) V = NULL; int *W = NULL; atomic_compare_exchange_strong(&V, &W, E);"
     " int *I = atomic_exchange(&V, NULL);", "I"),
    ("int *V = NULL; __sync_val_compare_and_swap(&V, NULL, E);", "V"),
    ("int *V = E, *W; __atomic_load(&V, &W, __ATOMIC_SEQ_CST);", "W"),
    ("static int *V; V = E;", "V"),
    ("static struct box V[4]; V[N].p = E; struct box W[4]; memcpy(W, V, sizeof V);", "W[N].p"),
    ("union mixed V = {.p = {E}}, W; W.d[0] = V.d[0];", "W.p[0]"),
    ("union mixed V = {.p = {NULL, E}}, W; W.i = V.i;", "W.s.q"),
    ("union mixed V = {.p = {NULL, E}}, W; W.v = V.v;", "W.p[1]"),
    ("union mixed V = {.s = {.q = E}}; pair W = V.v;", "(int *)W[1]"),
    ("int *V = E; double W; memcpy(&W, &V, 8); memcpy(&V, &W, 8);", "V"),
    ("int *V = E; struct { uintptr_t u : 64; } W = {(uintptr_t)V};", "(int *)W.u"),
    ("int *V = E; char W[24]; memcpy(W + N, &V, 8); V = NULL; memcpy(&V, W + N, 8);", "V"),
    ("int *V = E; char W[16]; char *I = mempcpy(W, &V, 8); memcpy(&V, I - 8, 8);", "V"),
    ("struct box V[3] = {{E, 1}}; memmove(V + 1, V, 2 * sizeof V[0]);", "V[1].p"),
    ("int *V = E; __asm__ volatile(\"\" : \"+r\"(V));", "V"),
    ("int *V = E, *W; __asm__ volatile(\"\" : \"=r\"(W) : \"0\"(V));", "W"),
    ("int *V = E; __asm__ volatile(\"\" : \"+m\"(V));", "V"),
    ("int *V = E; int **W; __asm__ volatile(\"lea %1, %0\" : \"=r\"(W) : \"m\"(V));", "*W"),
    ("int *V = E, *W = NULL; switch (nkept & 1) { case 1: W = V; /* fallthrough */"
     " default: W = W ? W : V; }", "W"),
    ("int *V = E, *W; if (nkept < 0) goto I; W = V; if (0) { I: W = NULL; }", "W"),
    ("static const void *const I[] = {&&IA, &&IB}; int *V = E, *W = NULL; goto *I[nkept & 1];"
     " IA: W = V; IB: W = V;", "W"),
    ("struct node *V = NULL; for (int I = 0; I < N + 2; I++) { struct node W = {V, E}; V = &W; }",
     "V->next->p"),
    ("struct node *V = NULL; for (int I = 0; I < N + 2; I++) V = &(struct node){V, E};",
     "V->next->p"),
    ("struct node V = {NULL, E}; V.next = &V;", "V.next->next->p"),
    ("struct node V = {NULL, E}, W = {&V, NULL}; V.next = &W;", "V.next->next->p"),
    ("struct node V[N + 2]; for (int I = 0; I < N + 2; I++) V[I] = (struct node){V + N + 1 - I, E};",
     "V[0].next->p"),
    ("int **V = __builtin_alloca(4 * sizeof *V); V[N] = E;", "V[N]"),
    ("int **V = mw_realloc(NULL, 16); V[1] = E; V = mw_realloc(V, 64);", "V[1]"),
    ("struct box *V = mw_new(struct box); V->p = E; mw_pool_put(&pool, V); mw_pool_get(&pool);", "V->p"),
    ("", "(E) ?: NULL"),
    ("", "(nkept, E)"),
    ("int *V = E;", "(int *)memchr(V, *(unsigned char *)V, 4)"),
    ("", "tidied(E)"),
    ("{ int *V = E; __attribute__((cleanup(tidy))) int *W = V; }", "seen"),
    ("struct job V = {E, ptrs, 5}; mw_go(answer, &V); struct box W; mw_chan_recv(boxes, &W);", "W.p"),
    ("mw_go(answer, &(struct job){E, ptrs, N}); struct box W; mw_chan_recv(boxes, &W);", "W.p"),
    ("int *V = E, *W; mw_select((mw_case[]){mw_case_send(ptrs, &V)}, 1);"
     " mw_select((mw_case[]){mw_case_recv(ptrs, &W)}, 1);", "W"),
    ("struct box V = {E, 2}, W; mw_case I[] = {mw_case_send(boxes, &V)}; mw_select(I, 1);"
     " mw_chan_recv(boxes, &W);", "W.p"),
    ("int *V = E; mw_chan *W = mw_chan_make(int **, 1); mw_chan_send(W, &V); int **I;"
     " mw_chan_recv(W, &I);", "*I"),
    ("struct box V[4] = {{NULL}}; struct box *W = V; for (; W < V + N; W++) {} W->p = E;", "V[N].p"),
    ("int *V[4] = {0}; int **W = V; *W++ = E; *W = W[-1];", "V[1]"),
    ("struct { struct box a; struct { int *x[2]; } b; } V = {.b = {{NULL, E}}}, W; W = V;", "W.b.x[1]"),
]
# V has an int at V.v, and gets its own address stored in it; then that is read.
OWN_MADE = [
    "own_init(&V);", "own_at(&V); own_self(&V);", "own_calls(&V);", "own_inline(&V);",
    "struct own *W = own_id(&V); W->at = W->v; W->self = W;", "own_init(own_id(&V));",
    "own_init(nkept < 0 ? NULL : &V);", "struct own W = {.next = &V}; own_next(&W);",
    "struct own W = {.next = &V}; own_chain(&W, 1);", "own_chain(&V, 0);",
    "own_even(&V, N + 1); own_at(&V);", "own_pair(&V, &V);", "struct own W = {0}; own_pair(&V, &W);"
    " own_at(&V);", "struct own *W = &V; own_deep(&W);", "struct own *W = &V, **W2 = &W;"
    " own_deep(W2);", "bsearch(&V, &V, 1, sizeof V, own_cmp);", "own_at(&V); own_self(&V); own_calls(V.self);",
    "struct own *W = &V; W->at = W->v; W->self = W; own_read(W);",
    "V.next = &V; own_next(&V);", "struct own W; own_init(&W); W = (struct own){.next = &V};"
    " own_chain(&W, 1);", "void (*volatile W)(struct own *) = own_init; W(&V);",
]
OWN_READ = [
    "V.at", "V.self->at", "V.self->v", "own_get(&V)", "own_far(&V)", "own_copy(&V).at",
    "own_copy(V.self).self->at", "({ int *W; own_out(&V, &W); W; })", "({ own_lose(&V); gown->at; })",
    "({ struct own W = {.next = &V}; own_lose_next(&W); gown->v; })", "({ struct own W = V; W.at; })",
    "({ struct own W; memcpy(&W, &V, sizeof V); own_get(W.self); })", "own_id(V.self)->at",
    "({ struct own *W[2] = {V.self}; (*W)->at; })", "({ gown = V.self; gown->self->at; })",
    "({ struct own W = {.self = V.self}; own_far(&W); })", "same(V.at)", "({ int *W = NULL; put(&W, V.at); W; })",
    "*(int **)memchr(&V, *(unsigned char *)&V, 8)",
]
STEPS += [
    ("struct own V = {.p = E}; own_self(&V);", "V.self->p"),
    ("struct own V = {.p = E};", "own_read(&V)"),
    ("struct own V = {.p = E}; own_init(&V);", "own_copy(V.self).p"),
    ("struct own V = {.p = E}; struct own W = {.next = &V}; own_chain(&W, 1);", "W.next->self->p"),
    ("struct own V = {.p = E}; own_init(&V); own_lose(&V);", "gown->p"),
    ("struct own V = {.p = E}; struct own W = {.next = &V}; own_next(&W); own_lose_next(&W);", "gown->p"),
    ("struct own *V = mw_new(struct own); V->p = E; own_init(V);", "V->self->p"),
]
RARE = [
    ("int *V = E; pthread_t W; void *I; pthread_create(&W, NULL, thread, &V); pthread_join(W, &I);",
     "(int *)I"),
]


class Program:
    def __init__(self, rnd, number):
        self.r, self.id, self.n = rnd, number, 0
        self.helpers = []

    def name(self, stem):
        self.n += 1
        return f"{stem}{self.n}"

    # Each step takes lines and an expression of type int *, and gives another.
    def step(self, out, e):
        r = self.r
        v, w = self.name("v"), self.name("w")
        if r.random() < 0.5:
            lines, result = r.choice(RARE if r.random() < 0.01 else STEPS)
            words = {"E": e, "V": v, "W": w, "I": self.name("g"), "N": str(r.randrange(4))}
            words["IA"], words["IB"] = words["I"] + "a", words["I"] + "b"
            text = [re.sub(r"\b(IA|IB|[EVWIN])\b", lambda m: words[m[0]], t) for t in (lines, result)]
            out += [text[0]] if text[0] else []
            return text[1]
        k = r.randrange(41)
        if k == 0:
            out.append(f"int *{v} = {e};")
            return v
        if k == 1:
            out.append(f"int *{v} = {e}; int **{w} = &{v};")
            return f"*{w}"
        if k == 2:
            out.append(f"struct box {v} = {{{e}, 1}}; struct box {w} = {v};")
            return f"{w}.p"
        if k == 3:
            out.append(f"struct box {v}; {v}.p = {e}; struct box *{w} = &{v};")
            return f"{w}->p"
        if k == 4:
            i = r.randrange(4)
            out.append(f"int *{v}[4] = {{0}}; {v}[{i}] = {e};")
            return f"{v}[{i}]"
        if k == 5:
            return f"same({e})"
        if k == 6:
            return f"same_inline({e})"
        if k == 7:
            return f"same_fn({e})"
        if k == 8:
            return f"table[(nkept + {r.randrange(2)}) & 1]({e})"
        if k == 9:
            return f"first({e}, NULL)"
        if k == 10:
            return f"first(NULL, {e})"
        if k == 11:
            out.append(f"int *{v} = NULL; put(&{v}, {e});")
            return v
        if k == 12:
            out.append(f"int *{v} = {e};")
            return f"get(&{v})"
        if k == 13:
            out.append(f"int *{v} = {e}; int **{w} = &{v};")
            return f"get2(&{w})"
        if k == 14:
            out.append(f"struct box {v} = {{{e}, 2}};")
            return f"*addr_of(&{v})"
        if k == 15:
            return f"wrap({e}).p"
        if k == 16:
            return f"wrap_big({e}).p"
        if k == 17:
            return f"unwrap(wrap({e}))"
        if k == 18:
            out.append(f"struct big {v} = wrap_big({e});")
            return f"unwrap_big({v})"
        if k == 19:
            return f"recurse({e}, {r.randrange(5)})"
        if k == 20:
            return f"ping({e}, {r.randrange(5)})"
        if k == 21:
            return f"variadic(2, &nkept, {e})"
        if k == 22:
            out.append(f"int *{v} = {e}, *{w}; bytes(&{w}, &{v}, sizeof {v});")
            return w
        if k == 23:
            out.append(f"int *{v} = {e}, *{w}; memcpy(&{w}, &{v}, sizeof {v});")
            return w
        if k == 24:
            return f"pointer(number({e}))"
        if k == 25:
            out.append(f"uintptr_t {v} = (uintptr_t){e} ^ 0x5555;")
            return f"(int *)({v} ^ 0x5555)"
        if k == 26:
            out.append(f"union word {v} = {{.p = {e}}}; union word {w}; {w}.u = {v}.u;")
            return f"{w}.s.q"
        if k == 27:
            out.append(f"union word {v} = {{.p = {e}}}, {w};"
                       f" for (int i = 0; i < 8; i++) {w}.c[i] = {v}.c[i];")
            return f"{w}.p"
        if k == 28:
            out.append(f"int *{v} = nkept >= 0 ? {e} : NULL;")
            return v
        if k == 29:
            out.append(f"spot = {e};")
            return "spot"
        if k == 30:
            out.append(f"atomic_store(&aspot, {e});")
            return "atomic_load(&aspot)"
        if k == 31:
            out.append(f"struct box *{v} = mw_new(struct box); {v}->p = {e};")
            return f"{v}->p"
        if k == 32:
            out.append(f"int **{v} = mw_make(int *, {r.randrange(1, 9)}); {v}[0] = {e};")
            return f"{v}[0]"
        if k == 33:
            out.append(f"int **{v} = mw_make(int *, (size_t)(nkept & 7) + 1); {v}[0] = {e};")
            return f"{v}[0]"
        if k == 34:
            out.append(f"struct deep {v} = {{.in = {{{{NULL, 1}}, {{{e}, 2}}}}}};"
                       f" struct deep {w} = {{.next = &{v}}};")
            return f"{w}.next->in[1].p"
        if k == 35:
            out.append(f"int *{v}[3] = {{{e}, {e}, {e}}};"
                       f" qsort({v}, 3, sizeof {v}[0], by_value);")
            return f"{v}[1]"
        if k == 36:
            out.append(f"int *{v} = {e}; void (*volatile {w})(void *) = through; {w}(&{v});")
            return v
        if k == 37:
            out.append(f"mw_chan_send(ptrs, {e}); int *{v}; mw_chan_recv(ptrs, &{v});")
            return v
        if k == 38:
            out.append(f"struct box {v} = {{{e}, 3}}, {w}; mw_chan_send(boxes, {v});"
                       f" mw_chan_recv(boxes, &{w});")
            return f"{w}.p"
        if k == 39:
            out.append(f"int *volatile {v} = {e};")
            return v
        h = f"h{self.id}_{self.n}"
        inner = []
        res = self.step(inner, "p") if r.random() < 0.7 else "p"
        self.helpers.append(f"static {r.choice(['', 'NOINLINE ', 'inline '])}int *{h}(int *p) {{\n"
                            + "".join(f"  {x}\n" for x in inner) + f"  return {res};\n}}\n")
        return f"{h}({e})"

    def source(self, out):
        """A variable with value want; gives an expression of its address."""
        r = self.r
        v = self.name("x")
        want = r.randrange(1 << 30)
        k = r.randrange(19)
        if k >= 16:
            made, read = r.choice(OWN_MADE), r.choice(OWN_READ)
            n = str(r.randrange(4))
            words = [{"V": v, "N": n, "W": self.name("w"), "W2": self.name("w")} for _ in range(2)]
            made, read = (re.sub(r"\b(V|W2|W|N)\b", lambda m: w[m[0]], t)
                          for w, t in zip(words, (made, read)))
            out.append(f"struct own {v} = {{.v = {{{want}}}}}; {made}")
            return read, want
        if k == 10:
            return f"({{ int {v} = {want}; &{v}; }})", want
        if k == 11:
            out.append(f"int *{v}p; {{ int {v} = {want}; {v}p = &{v}; }}"
                       f" {{ volatile int {v}[4]; {v}[0] = {v}[1] = {v}[2] = {v}[3] = 7; }}")
            return f"{v}p", want
        if k == 12:
            i = r.randrange(3)
            out.append(f"struct {{ struct {{ long n; int f[3]; }} in[2]; }} {v};"
                       f" {v}.in[1].f[{i}] = {want};")
            return f"&{v}.in[1].f[{i}]", want
        if k == 13:
            out.append(f"union {{ long l; int i[2]; }} {v} = {{.l = {want}}};")
            return f"&{v}.i[0]", want
        if k == 14:
            out.append(f"_Atomic int {v} = {want};")
            return f"(int *)&{v}", want
        if k == 15:
            out.append(f"int *{v}p = NULL; switch (nkept >= 0) {{ int {v}; case 1: {v} = {want};"
                       f" {v}p = &{v}; }}")
            return f"{v}p", want
        if k <= 1:
            out.append(f"int {v} = {want};")
            return f"&{v}", want
        if k == 2:
            out.append(f"struct {{ long pad; int f; }} {v} = {{1, {want}}};")
            return f"&{v}.f", want
        if k == 3:
            i = r.randrange(6)
            out.append(f"int {v}[6] = {{0}}; {v}[{i}] = {want};")
            return r.choice([f"&{v}[{i}]", f"{v} + {i}"]), want
        if k == 4:
            return f"&(int){{{want}}}", want
        if k == 5:
            out.append(f"struct box {v} = {{NULL, {want}}};")
            return f"(int *)&{v}.n", want
        if k == 6:
            out.append(f"int *{v} = mw_new(int); *{v} = {want};")
            return v, want
        if k == 7:
            out.append(f"int *{v} = mw_make(int, {r.randrange(2, 40)}); {v}[1] = {want};")
            return f"{v} + 1", want
        if k == 8:
            out.append(f"char {v}[16] __attribute__((aligned({r.choice([16, 64])}))); int {v}i = {want};"
                       f" memcpy({v}, &{v}i, 4);")
            return f"(int *)(void *){v}", want
        out.append(f"volatile int {v} = {want};")
        return f"(int *)&{v}", want

    def chain(self, out, e):
        for _ in range(self.r.randrange(0, 6)):
            e = self.step(out, f"({e})" if not e.isidentifier() else e)
        return e

    def sink(self, out, e, want):
        r = self.r
        k = r.randrange(8)
        if k == 0:
            v = self.name("j")
            out.append(f"struct job {v} = {{.p = {e}, .done = ptrs, .add = 3}};"
                       f" mw_go(worker, &{v}); int *{v}p; mw_chan_recv(ptrs, &{v}p);"
                       f" keep({v}p, {want} + 3, {self.id});")
        elif k == 1:
            v = self.name("d")
            out.append(f"struct deep *{v} = mw_new(struct deep); {v}->in[0].p = {e};"
                       f" {v}->next = list; list = {v};"
                       f" keep(list->in[0].p, {want}, {self.id});")
        elif k == 2:
            out.append(f"gbox = (struct box){{{e}, 1}}; keep(gbox.p, {want}, {self.id});")
        elif k == 3:
            out.append(f"garray[{r.randrange(8)}] = {e};"
                       f" for (int i = 0; i < 8; i++) if (garray[i])"
                       f" {{ keep(garray[i], {want}, {self.id}); garray[i] = NULL; }}")
        else:
            out.append(f"keep({e}, {want}, {self.id});")

    def loop(self, out, inner, i, n):
        """n turns of `inner`, which may declare variables, with i from 0 on."""
        r = self.r
        again, end = self.name("again"), self.name("end")
        lines = ["  " + x for x in inner]
        k = r.randrange(11)
        if k <= 2:
            out += [f"for (int {i} = 0; {i} < {n}; {i}++) {{"] + lines + ["}"]
        elif k <= 4:
            out += [f"int {i} = -1; while (++{i} < {n}) {{"] + lines + ["}"]
        elif k == 5:
            out += [f"{{ int {i} = 0; {again}:;"] + lines + [f"if (++{i} < {n}) goto {again}; }}"]
        elif k == 6:
            # a label that is jumped to in one turn only
            out += [f"for (int {i} = 0; {i} < {n}; {i}++) {{ {again}:;"] + lines + [
                f"if ({i} == 1 && {n} > 2) {{ {i}++; goto {again}; }} }}"]
        elif k == 7:
            case = r.choice(["default", f"case {n}"])
            out += [f"for (int {i} = 0; {i} < {n}; {i}++) switch ({n}) {{ {case}:;"] + lines + [
                f"if ({i} == 0) break; /* fallthrough */ case {n + 1}:; }}"]
        elif k == 8:
            # every declaration may be jumped over
            out += [f"for (int {i} = 0; {i} < {n}; {i}++) {{ if (nkept < 0) goto {end};"] + lines + [
                f"{end}:; }}"]
        elif k == 9:
            # a computed goto, because of which nothing in the function is marked
            v = self.name("t")
            out += [f"static const void *const {v}[] = {{&&{again}, &&{end}}}; int {i} = 0;"
                    f" {again}: {{"] + lines + [f"}} goto *{v}[++{i} >= {n}]; {end}:;"]
        else:
            # into the middle of a loop
            out += [f"int {i} = 0; if (nkept >= 0) goto {again}; while ({i} < {n}) {{ {again}:;"] + \
                lines + [f"{i}++; }}"]

    def body(self):
        r = self.r
        out = []
        for _ in range(r.randrange(1, 3)):
            if r.random() < 0.3:
                # fresh in each turn, kept across turns
                i, a = self.name("i"), self.name("a")
                n = r.randrange(2, 7)
                inner = []
                c = r.randrange(1 << 20)
                kind = r.randrange(4)
                if kind == 0:
                    inner.append(f"int y = {c} + {i};")
                    e = "&y"
                elif kind == 1:
                    inner.append(f"struct box y = {{NULL, {c} + {i}}};")
                    e = "(int *)&y.n"
                elif kind == 2:
                    e = f"&(int){{{c} + {i}}}"
                else:
                    inner.append(f"int *y = mw_new(int); *y = {c} + {i};")
                    e = "y"
                e = self.chain(inner, e)
                inner.append(f"{a}[{i}] = {e};")
                out.append(f"int *{a}[{n}];")
                self.loop(out, inner, i, n)
                out.append(f"for (int i = 0; i < {n}; i++) keep({a}[i], {c} + i, {self.id});")
            else:
                e, want = self.source(out)
                if r.random() < 0.25:
                    # the value before a use that stays in the frame
                    out.append(f"if (*({e}) != {want}) abort();")
                e = self.chain(out, e)
                self.sink(out, e, want)
        return out

    def text(self):
        r = self.r
        main = self.body()
        extra = []
        if r.random() < 0.5:
            # by a result, from a parameter or a local of another frame
            e_out = []
            e, want = self.source(e_out) if r.random() < 0.5 else ("&a", 4242)
            e = self.chain(e_out, e)
            extra.append(f"static {r.choice(['', 'NOINLINE '])}int *f{self.id}(int a) {{\n  (void)a;\n"
                         + "".join(f"  {x}\n" for x in e_out) + f"  return {e};\n}}\n")
            main.append(f"keep(f{self.id}(4242), {want}, {self.id});")
        if r.random() < 0.3:
            # from a frame far down: a local, or a parameter in memory
            r_out = []
            e = r.choice(["&x", "(int *)&b.a[4]", "&n"])
            want = {"&x": 77, "&n": 0}.get(e, 99)
            e = self.chain(r_out, e)
            extra.append(f"static {r.choice(['', 'NOINLINE '])}void down{self.id}(int n, struct big b, int **out) {{\n"
                         f"  int x = 77;\n  if (n) {{ down{self.id}(n - 1, b, out); return; }}\n"
                         + "".join(f"  {x}\n" for x in r_out) + f"  *out = {e};\n}}\n")
            main.append(f"{{ int *out; down{self.id}({r.randrange(6)}, (struct big){{{{1, 2, 3, 4, 99}}}}, &out);"
                        f" keep(out, {want}, {self.id}); }}")
        if r.random() < 0.2:
            extra.append(Paths(r, self.id, self.name, self.chain).text())
            main.append(f"for (int t = 0; t < 5; t++) {{ fuel = 9; paths{self.id}(); }}")
        body = "".join(f"  {x}\n" for x in main)
        return "".join(self.helpers) + "".join(extra) + \
            f"static NOINLINE void program{self.id}(void) {{\n{body}}}\n"


def chunks(text):
    """The declarations and definitions at the top level, in order."""
    depth, chunk = 0, []
    for line in text.split("\n"):
        chunk.append(line)
        depth += line.count("{") - line.count("}")
        if depth == 0 and (line.startswith("#") or line.rstrip().endswith((";", "}", "*/"))):
            yield "\n".join(chunk).strip("\n")
            chunk = []


def split(text, part, parts):
    """What the file `part` has of the whole: every function is defined in one file and known in
    all; small static ones and constants are everywhere; variables are the first file's."""
    out, turn = [], 0
    for c in chunks(text):
        head = c.split("{")[0]
        function = "(" in head and " = " not in head and c.endswith("}")
        if not c.startswith("static ") or c.startswith(("static inline ", "static const ")):
            out.append(c)
        elif function and (c.startswith("static NOINLINE ") or re.search(r"\b(f|down)\d+\(", head)):
            sig = c[len("static "):]
            out.append(sig if turn % parts == part else sig.split("{")[0] + ";")
            turn += 1
        elif c.startswith("static NOINLINE "):
            out.append(c[len("static "):])
        elif function:
            out.append(c)
        elif part == 0:
            out.append(c[len("static "):])
        else:
            out.append("extern " + c[len("static "):].split(" = ")[0].rstrip(";") + ";")
    return "\n".join(out)


def generate(seed, count, part=0, parts=1):
    rnd = random.Random(seed)
    text = HEAD + "\n" + "\n".join(Program(rnd, i).text() for i in range(count))
    run = "static void run(void) {\n" + "".join(f"  program{i}();\n" for i in range(count)) + \
        "  smash(20);\n}"
    print(f"/* {' '.join(sys.argv[1:])} */")
    if parts == 1:
        print(text, run, TAIL, sep="\n")
        return
    print(split(text, part, parts))
    if part == 0:
        print(run, TAIL, sep="\n")


generate(*map(int, sys.argv[1:]))
