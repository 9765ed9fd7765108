#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""generate.py SEED COUNT -- COUNT random C programs in one file, on stdout

Each program has variables of its own kinds (scalar, field, element, parameter,
loop variable, compound literal, collected object; loops of every kind, with goto,
switch and computed goto too), sends their addresses along
a random chain of steps (pointers to pointers, structs, unions, integers,
copies of memory, calls of every kind) to a place that outlives the frame, and
says what value is to be found there.  When all programs have run, the stack is
overwritten, garbage is collected, and every value is read again, changed and
read once more.  With GODEBUG=clobberfree=1 an object that was freed too early
has other contents; a variable left on the stack has been overwritten.
"""
import random
import sys

HEAD = r"""
#include <mallow.h>
#include <stdarg.h>
#include <stdatomic.h>
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
static NOINLINE void smash(int depth) {
  volatile char junk[512];
  memset((char *)junk, 0xa5, sizeof junk);
  if (depth) smash(depth - 1);
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
        k = r.randrange(10)
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
        body = "".join(f"  {x}\n" for x in main)
        return "".join(self.helpers) + "".join(extra) + \
            f"static NOINLINE void program{self.id}(void) {{\n{body}}}\n"


def generate(seed, count):
    rnd = random.Random(seed)
    print(f"/* generate.py {seed} {count} */", HEAD)
    for i in range(count):
        print(Program(rnd, i).text())
    print("static void run(void) {")
    for i in range(count):
        print(f"  program{i}();")
    print("  smash(20);\n}", TAIL)


generate(int(sys.argv[1]), int(sys.argv[2]))
