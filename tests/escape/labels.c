/* SPDX-License-Identifier: MIT */
/*
 * tests/escape/labels.c -- variables of loops that are made with goto, switch and computed
 * goto, or that clang builds where the function's result goes
 *
 * clang does not mark where these begin to live.  Each time that control passes a
 * declaration there has to be a new variable, and what was taken before keeps the
 * old one; where a jump goes over the declaration the variable is still there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tricky.h"

static int *g;

/* ---- behind a label ---------------------------------------------------- */
CASE(label_behind_init) {
  for (int i = 0; i < 6;) {
  again:;
    int x = 100 + i;
    keep(&x, 100 + i);
    if (++i == 3) goto again;
  }
}
CASE(label_behind_plain) {
  int i = 0;
again:;
  int x;
  x = 110 + i;
  keep(&x, 110 + i);
  if (++i < 5) goto again;
}
CASE(label_behind_array) {
  int i = 0;
again:;
  int x[5] = {1, 2, 3};
  x[3] = 120 + i;
  keep(&x[3], 120 + i);
  keep(x, 1);
  if (++i < 5) goto again;
}
CASE(label_behind_struct) {
  int i = 0;
again:;
  struct box b = {NULL, 130 + i};
  keep((int *)&b.n, 130 + i);
  if (++i < 5) goto again;
}
CASE(label_behind_big_aligned) {
  int i = 0;
again:;
  int x[40] __attribute__((aligned(64))) = {[7] = 140 + i};
  keep(&x[7], 140 + i);
  if (++i < 5) goto again;
}
CASE(label_behind_union) {
  int i = 0;
again:;
  union {
    int n;
    void *p;
  } u = {150 + i};
  keep(&u.n, 150 + i);
  if (++i < 5) goto again;
}
CASE(label_behind_unnamed_union) {
  int i = 0;
again:;
  struct {
    int pad;
    union {
      int n;
      float f;
    };
  } u = {1, {155 + i}};
  keep(&u.n, 155 + i);
  if (++i < 5) goto again;
}
CASE(label_behind_two) {
  int i = 0;
again:;
  int x = 160 + i, y = 170 + i, *p = &y;
  keep(&x, 160 + i);
  keep(p, 170 + i);
  if (++i < 5) goto again;
}
CASE(label_behind_volatile) {
  int i = 0;
again:;
  volatile int x = 180 + i;
  keep((int *)&x, 180 + i);
  if (++i < 5) goto again;
}
CASE(label_in_for_init) {
  int n = 0;
again:
  for (int j = 190 + 10 * n; j < 200 + 10 * n; j += 10) keep(&j, 200 + 10 * n);
  if (++n < 3) goto again;
}
CASE(label_statement_expression) {
  int i = 0, sum = 0;
again:
  sum += ({
    int z = 230 + i;
    keep(&z, 230 + i);
    z;
  });
  if (++i < 3) goto again;
  keep(&sum, 230 + 231 + 232);
}
CASE(label_statement_expression_inside) {
  int i = 0, sum = 0;
  sum += ({
    again:;
      int z = 240 + i;
      keep(&z, 240 + i);
      if (++i < 3) goto again;
      z;
  });
  keep(&sum, 242);
}
CASE(label_unused) {
  for (int i = 0; i < 4; i++) {
  here:
    __attribute__((unused));
    int x = 250 + i;
    keep(&x, 250 + i);
  }
}
CASE(label_kept_before_declared_again) {
  int i = 0, *before = NULL;
again:;
  int x = 260 + i;
  if (before) {
    keep(before, 260 + i - 1);
    if (before == &x) abort();
  }
  before = &x;
  if (++i < 4) goto again;
  keep(before, 263);
}
CASE(label_written_through_the_old) {
  int i = 0, *old = NULL;
again:;
  int x = 270 + i;
  if (old) *old += 1000;
  keep(&x, i < 3 ? 1270 + i : 273);
  old = &x;
  if (++i < 4) goto again;
}
CASE(label_chain) {
  struct node {
    struct node *next;
    int n;
  } *head = NULL;
  int i = 0;
again:;
  struct node here = {head, 280 + i};
  head = &here;
  if (++i < 6) goto again;
  for (int want = 285; head; head = head->next) keep(&head->n, want--);
}
CASE(label_two_levels) {
  for (int i = 0; i < 3; i++) {
  outer:;
    int x = 300 + i, j = 0;
    keep(&x, 300 + i);
  inner:;
    int y = 310 + 10 * i + j;
    keep(&y, 310 + 10 * i + j);
    if (++j < 3) goto inner;
    if (i == 1) {
      i++;
      goto outer;
    }
  }
}
CASE(label_through_helper) {
  int i = 0;
again:;
  int x = 340 + i, *p = &x, **pp = &p;
  keep(*pp, 340 + i);
  if (++i < 4) goto again;
}
static inline int *fresh(int n) {
  int i = 0, *last = NULL;
again:;
  int x = n + i;
  if (last) keep(last, n + i - 1);
  last = &x;
  if (++i < 3) goto again;
  return last;
}
CASE(label_in_inlined) {
  for (int i = 0; i < 3; i++) keep(fresh(350 + 10 * i), 352 + 10 * i);
  keep(fresh(390), 392);
}
static void recursive(int n) {
  int i = 0;
again:;
  int x = 400 + 10 * n + i;
  keep(&x, 400 + 10 * n + i);
  if (n) recursive(n - 1);
  if (++i < 2) goto again;
}
CASE(label_in_recursion) {
  recursive(3);
}
CASE(label_cleanup_scope) {
  for (int i = 0; i < 4; i++) {
    {
    in:;
      int x = 450 + i;
      g = &x;
    }
    keep(g, 450 + i);
    if (i == 1) {
      i++;
      goto in;
    }
  }
}

/* ---- irreducible ------------------------------------------------------- */
CASE(into_a_loop) {
  int i = zero;
  if (zero == 0) goto middle;
  while (i < 5) {
    i++;
  middle:;
    int x = 460 + i;
    keep(&x, 460 + i);
    i++;
  }
}
CASE(two_entries) {
  int i = zero;
  if (zero) goto b;
a:;
  int x = 470 + i;
  keep(&x, 470 + i);
b:;
  int y = 480 + i;
  keep(&y, 480 + i);
  if (++i < 5) goto *(void *[]){&&a, &&b}[zero];
}

/* ---- switch ------------------------------------------------------------ */
CASE(switch_declared_in_case) {
  for (int i = 0; i < 6; i++) {
    switch (i % 3) {
    case 0:;
      int y = 500 + i;
      keep(&y, 500 + i);
      break;
    case 1:
      break;
    case 2:;
      int z = 510 + i;
      keep(&z, 510 + i);
    }
  }
}
CASE(switch_falls_through) {
  for (int i = 0; i < 4; i++) {
    switch (i & 1) {
    case 0:;
      int y = 520 + i;
    default:
      if (i & 1) break;
      keep(&y, 520 + i);
    }
  }
}
CASE(switch_duff) {
  int n = 7, i = 0;
  switch (n % 4) {
  case 0:
    do {
      int a = 530 + i++;
      keep(&a, 529 + i);
    case 3:;
      int b = 530 + i++;
      keep(&b, 529 + i);
    case 2:;
      int c = 530 + i++;
      keep(&c, 529 + i);
    case 1:;
      int d = 530 + i++;
      keep(&d, 529 + i);
    } while (i < n);
  }
}
CASE(switch_jumped_over_is_there) {
  int sum = 0;
  for (int i = 0; i < 3; i++) {
    switch (i) {
      int y;
    case 0:
    case 1:
    case 2:
      y = 10 + i;
      g = &y;
      sum += *g;
    }
  }
  keep(&sum, 33);
}
CASE(goto_over_declaration) {
  for (int i = 0; i < 4; i++) {
    if (i & 1) goto skip;
    int x = 540 + i;
    keep(&x, 540 + i);
    g = &x;
  skip:
    if (i & 1) continue;
    if (g != &x) abort();
  }
}
CASE(value_stays_behind_a_jump) { /* one turn of the block, as C has it */
  int i = 0;
again:
  if (i) goto over;
  int x = 550;
over:
  g = &x;
  if (*g != 550 + i) abort();
  x++;
  if (++i < 4) goto again;
  keep(&x, 554);
}
CASE(object_stays_behind_a_jump) { /* q of the first turn is reached through x in later ones */
  int i = 0, sum = 0;
again:;
  int *q = mw_new(int);
  *q = 560 + i;
  if (i) goto over;
  int *x = q;
over:
  sum += *x;
  if (++i < 4) goto again;
  keep(&sum, 4 * 560);
}
CASE(variable_stays_behind_a_jump) {
  int i = 0, sum = 0;
again:;
  int q = 570 + i;
  if (i) goto over;
  int *x = &q;
over:
  sum += *x;
  if (++i < 4) goto again;
  keep(&sum, 4 * 570);
}
CASE(object_in_struct_behind_a_jump) {
  int sum = 0;
  for (int i = 0; i < 1; i++) {
    int k = 0;
  again:;
    struct box *q = mw_new(struct box);
    q->n = 580 + k;
    if (k) goto over;
    struct {
      struct box *b;
      int pad;
    } x = {q, 1};
  over:
    sum += (int)x.b->n;
    if (++k < 5) goto again;
  }
  keep(&sum, 5 * 580);
}

/* ---- objects that stay on the stack ------------------------------------ */
CASE(new_in_goto_loop) {
  int i = 0, sum = 0;
again:;
  int *q = mw_new(int), *r = q;
  if (*q) abort();
  *q = 590 + i;
  sum += *r;
  if (++i < 3) goto again;
  keep(&sum, 3 * 590 + 3);
}
CASE(new_kept_in_goto_loop) {
  int i = 0, *last = NULL;
again:;
  int *q = mw_new(int);
  *q = 600 + i;
  if (last) keep(last, 599 + i);
  last = q;
  if (++i < 4) goto again;
  keep(last, 603);
}
CASE(new_linked_in_goto_loop) {
  struct node {
    struct node *next;
    int n;
  } *head = NULL;
  int i = 0, sum = 0;
again:;
  struct node *n = mw_new(struct node);
  n->next = head;
  n->n = i;
  head = n;
  if (++i < 6) goto again;
  for (; head; head = head->next) sum = sum * 10 + head->n;
  keep(&sum, 543210);
}
CASE(new_beside_variable) {
  int i = 0, sum = 0;
  int *a[4];
again:;
  int x = i;
  int **slot = mw_new(int *);
  *slot = &x;
  a[i] = *slot;
  if (++i < 4) goto again;
  for (i = 0; i < 4; i++) sum = sum * 10 + *a[i];
  keep(&sum, 123);
}

/* ---- computed goto ----------------------------------------------------- */
static void interpreter(const unsigned char *pc, int base) {
  static const void *const table[] = {&&op_new, &&op_array, &&op_plain, &&op_skip, &&op_end};
  int i = 0, *last = NULL;
  goto *table[*pc++];
op_new: {
  int x = base + i;
  keep(&x, base + i);
  if (last) keep(last, base + 100);
  last = NULL;
  i++;
  goto *table[*pc++];
}
op_array: {
  int x[4] = {0, base + 100};
  last = &x[1];
  i++;
  goto *table[*pc++];
}
op_plain: {
  int x;
  x = base + 200 + i;
  keep(&x, base + 200 + i++);
  goto *table[*pc++];
}
op_skip: {
  if (i > 100) goto over;
  int x = base + 300 + i;
  keep(&x, base + 300 + i);
over:
  i++;
  goto *table[*pc++];
}
op_end:
  return;
}
CASE(computed_goto) {
  static const unsigned char code[] = {0, 1, 0, 0, 1, 0, 2, 2, 3, 3, 3, 0, 4};
  interpreter(code, 1000);
  interpreter(code, 2000);
}
CASE(computed_goto_top_level) {
  static const void *const table[] = {&&a, &&b};
  int i = 0;
a:;
  int x = 3000 + i;
  keep(&x, 3000 + i);
  if (++i < 5) goto *table[zero];
b:
  if (i < 5) goto a;
}
CASE(computed_goto_elsewhere) { /* every variable of the function is unmarked */
  static const void *const table[] = {&&end};
  for (int i = 0; i < 4; i++) {
    int x = 3010 + i;
    struct box b = {&x, 1};
    keep(b.p, 3010 + i);
    for (int j = 0; j < 2; j++) {
      int y[2] = {3020 + 2 * i + j, 0};
      keep(y, 3020 + 2 * i + j);
    }
  }
  goto *table[zero];
end:;
}
CASE(computed_goto_new) {
  static const void *const table[] = {&&turn, &&end};
  int i = 0, sum = 0, *last = NULL;
turn: {
  int *q = mw_new(int);
  *q = 3040 + i;
  if (last) sum += *last;
  last = q;
  goto *table[++i == 4];
}
end:
  keep(last, 3043);
  keep(&sum, 3040 + 3041 + 3042);
}
CASE(asm_goto_loop) {
  int i = 0;
again:;
  int x = 3050 + i;
  keep(&x, 3050 + i);
  if (++i == 4) return;
  __asm__ goto("jmp %l0" : : : : again);
}

/* ---- what is returned -------------------------------------------------- */
static NOINLINE struct big big_of_loop(int n) {
  for (int i = 0; i < n; i++) {
    struct big x = {.a = {3100 + i}};
    keep((int *)&x.a[0], 3100 + i);
    if (i == 3) return x;
  }
  struct big z = {.a = {7}};
  return z;
}
CASE(returned_big) {
  struct big a = big_of_loop(9), b = big_of_loop(2);
  if (a.a[0] != 3103 || b.a[0] != 7) abort();
  keep((int *)&a.a[0], 3103);
}
static NOINLINE struct box box_of_loop(int n) {
  for (int i = 0; i < n; i++) {
    struct box x = {NULL, 3110 + i};
    keep((int *)&x.n, 3110 + i);
    if (i == 3) return x;
  }
  struct box z = {NULL, 7};
  return z;
}
CASE(returned_box) {
  struct box a = box_of_loop(9), b = box_of_loop(2);
  if (a.n != 3113 || b.n != 7) abort();
}
static NOINLINE struct big big_of_label(int n) {
  int i = 0;
again:;
  struct big x = {.a = {3120 + i}, .p = NULL};
  keep((int *)&x.a[0], 3120 + i);
  if (++i < n) goto again;
  return x;
}
CASE(returned_big_label) {
  struct big a = big_of_label(4);
  if (a.a[0] != 3123) abort();
}
static NOINLINE struct big big_kept_inside(int n) {
  struct big *seen[4] = {NULL};
  for (int i = 0; i < n; i++) {
    struct big x = {.a = {3130 + i}};
    seen[i] = &x;
    if (i == 3) {
      for (int k = 0; k < 4; k++)
        if (seen[k]->a[0] != 3130 + k) abort();
      return x;
    }
  }
  abort();
}
CASE(returned_big_inside) {
  struct big a = big_kept_inside(4);
  keep((int *)&a.a[0], 3133);
}
static NOINLINE int *last_of_loop(void) { /* a small result that is a variable of a loop */
  int *p = NULL;
  for (int i = 0; i < 3; i++) {
    struct {
      int a, b;
    } x = {3140 + i, 1};
    if (p) keep(p, 3139 + i);
    p = &x.a;
  }
  return p;
}
CASE(returned_pointer) {
  keep(last_of_loop(), 3142);
}

/* ---- combinations ------------------------------------------------------ */
static int *arr[64];
CASE(goto_out_and_in) {
  int i = 0;
  {
  again:;
    int x = 210 + i;
    arr[i] = &x;
    if (++i < 3) goto out;
  }
  for (int k = 0; k < 3; k++) keep(arr[k], 210 + k);
  return;
out:
  goto again;
}
CASE(goto_nested_blocks) {
  for (int i = 0; i < 2; i++) {
    {
      {
      l:;
        int x = 215 + i;
        arr[i] = &x;
      }
    }
    if (i == 0) {
      i++;
      goto l;
    }
  }
  keep(arr[0], 215);
  keep(arr[1], 216);
}
CASE(switch_loop_state) {
  int st = 0, i = 0;
  while (1) {
    switch (st) {
    case 0:;
      int a = 220 + i;
      arr[i++] = &a;
      st = 1;
      continue;
    case 1:;
      int b = 220 + i;
      arr[i++] = &b;
      st = i < 6 ? 0 : 2;
      continue;
    case 2:
      goto done;
    }
  }
done:
  for (int k = 0; k < 6; k++) keep(arr[k], 220 + k);
}
CASE(computed_in_loop) {
  static void *t[] = {&&a, &&b};
  for (int i = 0; i < 6; i++) {
    int x = 230 + i;
    arr[i] = &x;
    goto *t[i & 1];
  a:;
    int y = 240 + i;
    arr[10 + i] = &y;
    continue;
  b:;
    int z = 240 + i;
    arr[10 + i] = &z;
  }
  for (int k = 0; k < 6; k++) {
    keep(arr[k], 230 + k);
    keep(arr[10 + k], 240 + k);
  }
}
static NOINLINE int **computed_array(int n) {
  static void *t[] = {&&go, &&end};
  int **a = mw_make(int *, 4);
  int i = 0;
go:;
  int v[3] = {1, 2, 250 + i};
  a[i] = &v[2];
  goto *t[++i == n];
end:
  return a;
}
CASE(computed_arr) {
  int **a = computed_array(4);
  for (int i = 0; i < 4; i++) keep(a[i], 250 + i);
}
CASE(label_addr_of_pointer) {
  int i = 0;
  int **pp[3];
again:;
  int x = 260 + i;
  int *p = &x;
  pp[i] = &p;
  if (++i < 3) goto again;
  for (i = 0; i < 3; i++) keep(*pp[i], 260 + i);
}
CASE(label_struct_nested) {
  struct in {
    int *p;
    int v;
  };
  struct out {
    struct in a[2];
  } *o[3];
  int i = 0;
again:;
  struct out s = {{{0, 270 + i}, {0, 0}}};
  s.a[1].p = &s.a[0].v;
  o[i] = &s;
  if (++i < 3) goto again;
  for (i = 0; i < 3; i++) keep(o[i]->a[1].p, 270 + i);
}
CASE(label_vla_beside) {
  int n = 2 + zero;
  for (int i = 0; i < 3; i++) {
    int a[n];
  l:
    __attribute__((unused));
    int x = 280 + i;
    a[0] = x;
    arr[i] = &x;
    (void)a;
  }
  for (int i = 0; i < 3; i++) keep(arr[i], 280 + i);
}
CASE(label_param_shadow) {
  int i = 0;
again:;
  {
    int i2 = i;
    int x = 290 + i2;
    arr[i2] = &x;
  }
  if (++i < 3) goto again;
  for (i = 0; i < 3; i++) keep(arr[i], 290 + i);
}
static NOINLINE int *label_param(int p) {
  int *first = 0;
again:
  if (!first) {
    first = &p;
    p++;
    goto again;
  }
  return first;
}
CASE(label_of_param) {
  keep(label_param(300), 301);
}
static NOINLINE struct big label_byval(struct big b, int n) {
  struct big *s[3];
  int i = 0;
again:;
  struct big c = b;
  c.a[0] = 310 + i;
  s[i] = &c;
  if (++i < n) goto again;
  for (i = 0; i < n; i++) keep((int *)&s[i]->a[0], 310 + i);
  return b;
}
CASE(label_with_byval) {
  struct big b = {{1}};
  label_byval(b, 3);
}
static NOINLINE struct big two_returned(int n) {
  struct big *seen = 0;
  for (int i = 0;; i++) {
    if (n) {
      struct big x = {.a = {320 + i}};
      if (seen) keep((int *)&seen->a[0], 319 + i);
      seen = &x;
      if (i == 2) return x;
    } else {
      struct big y = {.a = {7}};
      return y;
    }
  }
}
CASE(returned_two) {
  struct big b = two_returned(1);
  if (b.a[0] != 322) abort();
  b = two_returned(0);
  if (b.a[0] != 7) abort();
}
static NOINLINE struct big returned_escapes(int n) {
  struct big x = {.a = {330 + n}};
  g = (int *)&x.a[0];
  if (n) {
    x.a[1] = 5;
  }
  return x;
}
CASE(returned_esc) {
  struct big b = returned_escapes(1);
  keep(g, 331);
  b.a[0] = 9;
  keep((int *)&b.a[0], 9);
}
static NOINLINE struct big returned_rec(int n) {
again:;
  struct big x = {.a = {340 + n}};
  keep((int *)&x.a[0], 340 + n);
  if (n > 2) {
    n--;
    goto again;
  }
  if (n) {
    struct big y = returned_rec(n - 1);
    if (y.a[0] != 340 + n - 1) abort();
  }
  return x;
}
CASE(returned_recursive) {
  struct big b = returned_rec(4);
  if (b.a[0] != 342) abort();
}
CASE(stmt_expr_loop) {
  for (int i = 0; i < 3; i++)
    arr[i] = ({
      l:
        __attribute__((unused));
        int x = 350 + i;
        &x;
    });
  for (int i = 0; i < 3; i++) keep(arr[i], 350 + i);
}
static void lib_nop(int *p) {
  (void)p;
}
CASE(cleanup_in_label) {
  int i = 0;
again:;
  __attribute__((cleanup(lib_nop))) int x = 360 + i;
  arr[i] = &x;
  if (++i < 3) goto again;
  for (int k = 0; k < 3; k++) keep(arr[k], 360 + k);
}
CASE(asm_out) {
  for (int i = 0; i < 3; i++) {
  l:
    __attribute__((unused));
    int x = 370 + i, *p;
    __asm__("mov %1, %0" : "=r"(p) : "r"(&x));
    arr[i] = p;
  }
  for (int i = 0; i < 3; i++) keep(arr[i], 370 + i);
}
CASE(go_label) {
  mw_chan *c = mw_chan_make(int *, 3);
  int i = 0;
again:;
  int x = 380 + i;
  int *p = &x;
  mw_chan_send(c, p);
  if (++i < 3) goto again;
  for (i = 0; i < 3; i++) {
    int *q;
    mw_chan_recv(c, &q);
    keep(q, 380 + i);
  }
}
CASE(select_label) {
  mw_chan *c = mw_chan_make(int *, 3);
  int i = 0;
again:;
  int x = 390 + i;
  int *p = &x;
  mw_case k[1] = {mw_case_send(c, &p)};
  mw_select(k, 1);
  if (++i < 3) goto again;
  for (i = 0; i < 3; i++) {
    int *q;
    mw_chan_recv(c, &q);
    keep(q, 390 + i);
  }
}
static void gojob(void *p) {
  ++*(int *)p;
}
CASE(go_arg_label) {
  int i = 0;
again:;
  int x = 399 + i;
  arr[i] = &x;
  mw_go(gojob, &x);
  if (++i < 3) goto again;
  for (int k = 0; k < 3; k++)
    while (*(volatile int *)arr[k] != 400 + k) mw_yield();
  for (int k = 0; k < 3; k++) keep(arr[k], 400 + k);
}
CASE(duff_new) {
  int n = 5, i = 0, *last = 0;
  switch (n & 1) {
    do {
    case 0:;
      int *p = mw_new(int);
      *p = 410 + i;
      if (last) keep(last, 409 + i);
      last = p;
      i++;
    case 1:;
      int *q = mw_new(int);
      *q = 410 + i;
      if (last) keep(last, 409 + i);
      last = q;
      i++;
    } while (i < n);
  }
  keep(last, 410 + i - 1);
}
CASE(stack_new_switch) {
  int sum = 0;
  for (int i = 0; i < 8; i++) {
    switch (i & 3) {
    case 0:;
      int *p = mw_new(int);
      if (*p) abort();
      *p = i;
      sum += *p;
      break;
    case 1:
      p = mw_new(int);
      if (*p) abort();
      *p = i;
      sum += *p;
      break;
    default:
      sum++;
    }
  }
  int *r = mw_new(int);
  *r = sum;
  keep(r, 14);
}
CASE(stack_struct_switch) {
  struct box *prev = 0;
  long sum = 0;
  for (int i = 0; i < 4; i++) {
    switch (zero) {
    case 1:;
      struct box *b;
    case 0:
      b = mw_new(struct box);
      b->n = i;
      if (prev) sum += prev->n * 10;
      prev = b;
    }
  }
  int *r = mw_new(int);
  *r = (int)sum;
  keep(r, 30);
}
CASE(jump_over_keeps) {
  int sum = 0;
  int i = 0;
again:;
  int *q = mw_new(int);
  *q = i + 1;
  if (i > 0) goto over;
  int **slot = mw_new(int *);
  *slot = q;
over:
  sum += **slot;
  if (++i < 5) goto again;
  int *r = mw_new(int);
  *r = sum;
  keep(r, 5);
}
