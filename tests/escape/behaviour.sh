#!/bin/sh
# SPDX-License-Identifier: MIT
#
# behaviour.sh MALLOW -- the options around escape analysis
#
# Flows of -m=2, warnings of what must stay, remarks, summaries of other files
# (whole and broken), debug information of moved variables, -flto.
. "$(dirname "$0")/lib.sh"
cd "$work"
says() {
  grep -qF -- "$1" out || die "expected: $1"
}
silent() {
  if grep -qF -- "$1" out; then die "not expected: $1"; fi
}

cat >a.c <<'C'
#include <mallow.h>
int *g;
int *f(void) { int x = 1; int *p = &x; return p; }
int *h(int c) { int y = c; if (c) g = &y; return &y; }
C
for level in 0 2; do
  "$mallow" cc -m=2 -O$level -c a.c 2>out || die "-m=2"
  says "a.c:3:20: moved to heap: x"
  says "    flow: p ← &x:"
  says "    flow: {result} ← p:"
  says "(return) at a.c:3:40"
  silent "warning"
  cat >param.c <<'C'
int *g;
int *k(int *p, int **q) { int *r = *q; g = p; return r; }
C
  "$mallow" cc -m=2 -O$level -c param.c 2>out || die "-m=2 param.c"
  grep -A 2 "param.c:2:13: leaking param: p$" out | grep -q "    flow: {heap} ← p:" || die "flow of p"
  grep -A 3 "param.c:2:22: leaking param: q to result level=1$" out | grep -q "    flow: r ← \*q:" ||
    die "flow of q"
  "$mallow" cc -m=2 -fno-mallow-escape -O$level -c a.c 2>out || die "-fno-mallow-escape"
  silent "moved to heap"
  says "-Wreturn-stack-address"
done
# clang's warning is not true here, whoever asks for it
for warn in -Wall -Weverything -Wreturn-stack-address -Wreturn-local-addr -Wdangling \
  -Werror=return-stack-address; do
  "$mallow" cc $warn -Wno-missing-prototypes -Wno-missing-variable-declarations -Wno-pre-c2x-compat \
    -Wno-unsafe-buffer-usage -Wno-padded -Wno-declaration-after-statement -O1 -c a.c 2>out || die "$warn"
  silent "return-stack-address"
  silent "local variable"
done
# of labels it is
echo 'void *f(int n) { if (n) return 0; l: return &&l; }' >label.c
for level in 0 2; do
  "$mallow" cc -O$level -c label.c 2>out || die "label.c"
  says "label.c:1:38: warning: the address of a label is returned"
  "$mallow" cc -O$level -Wno-mallow-escape -c label.c 2>out || die "label.c"
  silent "label"
  "$mallow" cc -O$level -fno-mallow-escape -c label.c 2>out || die "label.c"
  says "address of label"
done
"$mallow" cc -m=3 -c a.c 2>out && die "-m=3 was accepted"
says "mallow: unknown argument '-m=3'"

# -m leaves no debug information behind
"$mallow" cc -m -O1 -c a.c -o m.o 2>out
"$mallow" cc -O1 -c a.c -o n.o 2>out
readelf -S m.o | grep -q debug_info && die "-m left debug information"

# remarks
"$mallow" cc -O2 -Rpass=mallow -Rpass-missed=mallow -c a.c 2>out
says "a.c:3:20: remark: moved to heap: x [-Rpass-missed=mallow]"
"$mallow" cc -O2 -fsave-optimization-record -c a.c -o a.o 2>out
grep -q 'moved to heap: x' a.opt.yaml || die "nothing in a.opt.yaml"

# remarks are what -m says, once each in the same order; of an inlined allocation too, and of several files
cat >r.c <<'C'
#include <mallow.h>
struct n { struct n *next; int v; };
static inline struct n *cons(struct n *l, int v) { struct n *e = mw_new(struct n); e->next = l; e->v = v; return e; }
int local(int k) { int *p = mw_new(int); *p = k; return *p + 1; }
int twice(int k) { struct n *a = cons(0, k), *b = cons(a, k + 1); return a->v + b->v; }
int *ret(int k) { int x = k; return &x; }
#define NEW(T) mw_new(T)
#define KEEP(p) (kept = (p))
void *kept;
int *literal(void) { return (int[]){1, 2}; }
void macro(void) { KEEP(mw_new(int)); kept = NEW(long); }
struct n *build(int n) { struct n *l = 0; for (int i = 0; i < n; i++) l = cons(l, i); return l; }
C
for options in -O0 -O1 -O2 -O3 "-O2 -flto" "-O1 -g"; do
  # shellcheck disable=SC2086
  "$mallow" cc $options -m -c r.c a.c 2>&1 | grep 'heap\|mw_new' >said || die "$options: no -m"
  # shellcheck disable=SC2086
  "$mallow" cc $options -Rpass=mallow -Rpass-missed=mallow -c r.c a.c 2>&1 |
    sed -n 's/ remark: / /; s/ \[-Rpass.*//p' >out
  cmp -s said out || { diff said out; die "$options: remarks are not what -m says"; }
  [ "$(wc -l <out)" -ge 4 ] || die "$options: few remarks"
done

# what must stay is warned of, with the flow
cat >w.c <<'C'
#include <stdarg.h>
#include <stddef.h>
int *g;
va_list *gv;
void vla(int n) { int a[n]; a[0] = n; g = &a[0]; }
int *dynamic(size_t n) { int *p = __builtin_alloca(n); *p = 1; return p; }
char *constant(void) { return __builtin_alloca(10); }
void list(int n, ...) { va_list ap; va_start(ap, n); gv = (va_list *)&ap; va_end(ap); }
void fine(int n) { int a[n]; a[0] = n; }
C
"$mallow" cc -O0 -c w.c 2>out || die "w.c"
test "$(grep -c 'warning: .*outlives its frame' out)" = 4 || die "four warnings"
says "flow: {heap}"
"$mallow" cc -O0 -Wno-mallow-escape -c w.c 2>out
silent "outlives"

# memory of alloca() lives as long as the function, that of an array for one turn of its loop
cat >alloca.c <<'C'
#include <alloca.h>
struct n { struct n *next; int v; };
int sum(struct n *l) {
  int s = 0;
  for (; l; l = l->next) s += l->v;
  return s;
}
int fine(int k) {
  struct n *l = 0;
  for (int i = 0; i < k; i++) {
    struct n *x = alloca(sizeof *x);
    *x = (struct n){l, i};
    l = x;
  }
  return sum(l);
}
C
for level in 0 1 2 3; do
  "$mallow" cc -O$level -Wall -Werror -c alloca.c 2>out || die "alloca.c, -O$level"
  silent "alloca"
done
cat >>alloca.c <<'C'
struct n *outlives(int k) {
  struct n *x = alloca(k * sizeof *x);
  return x;
}
int array(int k) {
  struct n *l = 0;
  for (int i = 0; i < k; i++) {
    struct n x[i + 1];
    x[0] = (struct n){l, i};
    l = x;
  }
  return sum(l);
}
C
for level in 0 2; do
  "$mallow" cc -O$level -c alloca.c 2>out || die "alloca.c"
  test "$(grep -c 'warning: .*outlives its frame' out)" = 2 || die "two warnings, -O$level"
  says "the address of 'alloca()' outlives its frame"
  says "the address of 'x' outlives its frame"
done

# behind a label each turn has its own variable; what a jump goes over is of an earlier turn
cat >l.c <<'C'
int *a[9];
void f(int n) {
  for (int i = 0; i < n;) {
  again:;
    int x = i;
    a[i++] = &x;
    if (i == 3) goto again;
  }
}
void h(int n) {
  for (int i = 0; i < n; i++) {
    if (i == 3) goto over;
    int y = i;
  over:
    a[i] = &y;
  }
}
C
for level in 0 1 2; do
  "$mallow" cc -O$level -c l.c 2>out
  silent "'x'"
  says "warning: 'y' moves to the heap, but where a jump goes over its declaration it is the variable"
  says "flow: {heap} ← &y:"
done

# debug information is what -g asks for, and code the same
for level in 0 2; do
  for debug in "" -g0 -g1 -gline-tables-only -g "-g0 -g" "-g -g0" "-g0 -m" "-g1 -m" -Rpass=mallow; do
    # shellcheck disable=SC2086 # several options
    "$mallow" cc -O$level $debug -c l.c -o l.o 2>out
    # shellcheck disable=SC2086
    clang-19 -w -O$level $debug -c l.c -o plain.o 2>/dev/null || clang-19 -w -O$level ${debug% -m} -c l.c -o plain.o
    for o in l plain; do
      readelf -SW $o.o | grep -o '\.debug_\(info\|line\|str\)  ' | sort -u >$o.sections
      llvm-dwarfdump-19 $o.o | grep -c 'DW_TAG_\(variable\|formal_parameter\)' >>$o.sections || :
    done
    cmp -s l.sections plain.sections || die "-O$level $debug: other debug information than clang's"
    objcopy -O binary -j mw_text l.o text
    [ -n "$debug" ] || cp text text.first
    cmp -s text text.first || die "-O$level $debug: other code"
  done
done

# summaries
cat >lib.c <<'C'
int *keep;
int get(int *p) { return *p; }
void put(int *p) { keep = p; }
C
cat >use.c <<'C'
int get(int *p);
void put(int *p);
int f(void) { int x = 1; return get(&x); }
int h(void) { int y = 1; put(&y); return y; }
C
"$mallow" cc -O1 -c lib.c -o lib.o
"$mallow" cc -O1 -m -c use.c 2>out
says "may move to heap: x (decided when linking)"
ar rc lib.a lib.o
for file in lib.o lib.a; do
  "$mallow" cc -O1 -m -fmallow-summaries=$file -c use.c 2>out
  silent "to heap: x"
  says "moved to heap: y"
done
printf 'get 0,\nput\n' >broken.txt
objcopy --update-section .mallow.summaries=broken.txt lib.o broken.o
"$mallow" cc -O1 -m=2 -fmallow-summaries=broken.o -c use.c 2>out
says "may move to heap: x"
says "note: broken escape summaries"
printf 'no object' >text.o
"$mallow" cc -O1 -m=2 -fmallow-summaries=text.o -c use.c 2>out
says "may move to heap: x"
says "note: no escape summaries; its functions are treated as unknown"
# one that is not there: the user's own is an error
"$mallow" cc -O1 -fmallow-summaries=missing.o -c use.c 2>out && die "missing.o"
says "mallow: -fmallow-summaries=missing.o: No such file or directory: expected an object"
MALLOW_SUMMARIES=missing.o "$mallow" cc -O1 -m=2 -c use.c 2>out
says "may move to heap: x"
says "note: escape summaries cannot be read"

# a command that compiles and links names what it links by itself
cat >main.c <<'C'
int f(void);
int main(void) { return f() - 1; }
C
ar rc libget.a lib.o
for library in lib.a lib.o "-L. -lget" "-L . -l get"; do
  # shellcheck disable=SC2086 # two options
  "$mallow" cc -O1 -m use.c main.c $library -o prog 2>out || die "$library"
  silent "moved to heap: x"
  says "moved to heap: y"
  ./prog || die "$library: prog"
done
"$mallow" cc -O1 -m -fno-mallow-summaries use.c main.c lib.a -o prog 2>out
says "moved to heap: x"
"$mallow" cc -O1 -shared -fPIC lib.c -o libget.so # the loader may find another one
"$mallow" cc -O1 -m use.c main.c -L. -lget -o prog 2>out
says "moved to heap: x"
rm libget.so

# a library that has changed since, or another function of the name, is noticed when linking
"$mallow" cc -O1 -fmallow-summaries=lib.o -c use.c -o use.o
"$mallow" cc -O1 use.o main.c lib.o -o prog 2>out || die "the library that was named"
cat >changed.c <<'C'
int *keep;
int get(int *p) { keep = p; return *p; }
void put(int *p) { keep = p; }
C
for how in "" -g0 -O2 -s -fuse-ld=lld; do
  "$mallow" cc -O1 $how use.o main.c changed.c -o prog 2>out && die "linked with another function"
  says "mallow: use.c was compiled for another 'get' than the one that is linked"
  test -e prog && die "prog is still there"
done
clang-19 -O1 -c changed.c -o plain.o
"$mallow" cc -O1 use.o main.c plain.o -o prog 2>out && die "linked with a plain function"
says "compiled for another 'get'"
"$mallow" cc -O1 use.c main.c changed.c lib.a -o prog 2>out && die "not the library's function"
says "compiled for another 'get'"
"$mallow" cc -O1 -fno-mallow-summaries use.c main.c changed.c lib.a -o prog || die "without summaries"

# the whole program: -flto
cat >lto.c <<'C'
#include <mallow.h>
#include <stdio.h>
int get(int *p);
int main(void) {
  mw_mem_stats a, b;
  int s = 0;
  mw_read_mem_stats(&a);
  for (int i = 0; i < 1000000; i++) {
    int x = i;
    s += get(&x);
  }
  mw_read_mem_stats(&b);
  printf("%d %d\n", s, (int)(b.mallocs - a.mallocs));
  return b.mallocs - a.mallocs > 1000;
}
C
"$mallow" cc -O2 -flto lto.c lib.c -o lto && ./lto >out || die "-flto"

# gdb finds a moved variable
"$mallow" cc -O0 -g -c a.c -o g.o
if command -v llvm-dwarfdump-19 >/dev/null; then
  llvm-dwarfdump-19 g.o --name=x >out
  says "DW_OP_deref"
fi
echo fine
