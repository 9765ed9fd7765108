/* SPDX-License-Identifier: MIT */
/*
 * tests/programs/stack_machines.c -- one stack machine three times: computed goto, musttail, switch
 *
 * Its values are boxes on the collected heap; its stack is a local array, or an object.
 */
#define _GNU_SOURCE 1
#include "program.h"

static bool few; /* an argument was given: less of all, for gcstress */

typedef struct box {
  long n;
  struct box *link;
} box;
enum { PUSH, ADD, SUB, DUP, JNZ, POP, SWAP, HALT };
static box *boxed(long n) {
  box *b = mw_new(box);
  b->n = n;
  return b;
}

static const long *count_by_three(long n) {
  long p[] = {PUSH, 0, PUSH, n,   /*4*/ SWAP, PUSH, 3,   ADD, SWAP,
              PUSH, 1, SUB,  DUP, JNZ,        4,    POP, HALT};
  long *q = mw_make(long, sizeof p / sizeof *p);
  memcpy(q, p, sizeof p);
  return q;
}

static long by_goto(const long *pc) {
  static void *const l[] = {&&push, &&add, &&sub, &&dup, &&jnz, &&pop, &&swap, &&halt};
  const long *base = pc;
  box *st[64], **sp = st;
#define NEXT goto *l[*pc++]
  NEXT;
push:
  *sp++ = boxed(*pc++);
  NEXT;
add:
  sp--;
  sp[-1] = boxed(sp[-1]->n + sp[0]->n);
  NEXT;
sub:
  sp--;
  sp[-1] = boxed(sp[-1]->n - sp[0]->n);
  NEXT;
dup:
  *sp = sp[-1];
  sp++;
  NEXT;
jnz:
  if ((*--sp)->n)
    pc = base + *pc;
  else
    pc++;
  NEXT;
pop:
  sp--;
  NEXT;
swap: {
  box *t = sp[-1];
  sp[-1] = sp[-2];
  sp[-2] = t;
}

  NEXT;
halt:
  return sp[-1]->n;
}

typedef long fn(const long *pc, box **sp, const long *base);
static fn *const tab[8];
#define TAIL __attribute__((musttail)) return tab[*pc](pc + 1, sp, base)
#define OP(x) static long x(const long *pc, box **sp, const long *base)
OP(o_push) {
  *sp++ = boxed(*pc++);
  TAIL;
}

OP(o_add) {
  sp--;
  sp[-1] = boxed(sp[-1]->n + sp[0]->n);
  TAIL;
}

OP(o_sub) {
  sp--;
  sp[-1] = boxed(sp[-1]->n - sp[0]->n);
  TAIL;
}

OP(o_dup) {
  *sp = sp[-1];
  sp++;
  TAIL;
}

OP(o_jnz) {
  if ((*--sp)->n)
    pc = base + *pc;
  else
    pc++;
  TAIL;
}

OP(o_pop) {
  sp--;
  TAIL;
}

OP(o_swap) {
  box *t = sp[-1];
  sp[-1] = sp[-2];
  sp[-2] = t;
  TAIL;
}

OP(o_halt) {
  (void)pc;
  (void)base;
  return sp[-1]->n;
}

static fn *const tab[8] = {o_push, o_add, o_sub, o_dup, o_jnz, o_pop, o_swap, o_halt};
static long by_tail_call(const long *pc) {
  box *st[64];
  return tab[*pc](pc + 1, st, pc);
}

static long by_switch(const long *pc) {
  const long *base = pc;
  box **st = mw_make(box *, 64), **sp = st;
  for (;;) switch (*pc++) {
    case PUSH:
      *sp++ = boxed(*pc++);
      break;
    case ADD:
      sp--;
      sp[-1] = boxed(sp[-1]->n + sp[0]->n);
      break;
    case SUB:
      sp--;
      sp[-1] = boxed(sp[-1]->n - sp[0]->n);
      break;
    case DUP:
      *sp = sp[-1];
      sp++;
      break;
    case JNZ:
      if ((*--sp)->n)
        pc = base + *pc;
      else
        pc++;
      break;
    case POP:
      sp--;
      break;
    case SWAP: {
      box *t = sp[-1];
      sp[-1] = sp[-2];
      sp[-2] = t;
      break;
    }
    case HALT:
      return sp[-1]->n;
    }
}

int main(int argc, char **argv) {
  (void)argv;
  few = argc > 1;
  long n = few ? 100 : 1000000;
  CHECK(by_goto(count_by_three(n)) == 3 * n);
  CHECK(by_tail_call(count_by_three(n)) == 3 * n);
  CHECK(by_switch(count_by_three(n)) == 3 * n);
  printf("ok\n");
  return 0;
}
