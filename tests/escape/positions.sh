#!/bin/sh
# SPDX-License-Identifier: MIT
#
# positions.sh MALLOW -- -m names the places that clang's own diagnostics name
#
# #line directives, macros, headers, functions inlined in many places: sorted, each line
# once, at -O0 to -O3; and where a variable is declared clang's -Wunused-variable says the same.
. "$(dirname "$0")/lib.sh"
cd "$work"
mkdir sub
cat >sub/part.h <<'C'
static inline int *in_header(int n) {
  int held = n;
  return &held;
}
static inline struct box *boxed(int n) {
  struct box *b = mw_new(struct box);
  b->n = n;
  return b;
}
#define LOCAL(type, name) type name = 0
#define HIDDEN int hidden = 0
#define NEW(T) mw_new(T)
#define STORE(to, what) ((to) = (what))
#define TWICE(a, b) a; b
#define NESTED(name) LOCAL(int, name)
C
cat >a.c <<'C'
#include <mallow.h>
struct box {
  int n;
};
#include "sub/part.h"
int *g, *h;
int *macro_argument(void) {
  LOCAL(int, x);
  return &x;
}
int *macro_body(void) {
  HIDDEN;
  return &hidden;
}
int *macro_nested(void) {
  NESTED(y);
  return &y;
}
int *macro_lines(void) {
  LOCAL(
      int /* ( */,
      z);
  return &z;
}
int *macro_type(void) { return NEW(int); }
void macro_value(void) { STORE(g, mw_new(int)); }
void macro_value_lines(void) {
  STORE(g,
        mw_make(int, 3));
}
void macro_two(void) { TWICE(int a = 1, int b = 2); g = &a; h = &b; }
int *header1(void) { return in_header(3); }
int *header2(void) { return in_header(4); }
int *header3(int c) { return c ? in_header(5) : in_header(6); }
struct box *header4(int c) { return c ? boxed(1) : boxed(2); }
int inside(int n) { return boxed(n)->n; }
struct box *literal(void) { return &(struct box){3}; }
struct box *literal_space(void) { return &(struct box) { .n = 4 }; }
int *literal_number(void) { return &(int){5}; }
int *literal_array(void) { return (int[]){5, 6}; }
int *literal_member(void) { return &(&(struct box){7})->n; }
int *two_on_a_line(void) { int p = 1; int q = 2; g = &p; return &q; }
void list(void) { int p, *q = &p, r; g = q; h = &r; }
int *param(int p, int *kept) { g = kept; return &p; }
#line 1000 "gen.y"
int *renamed(void) { int y = 1; return &y; }
int *renamed_new(void) { return mw_new(int); }
#line 30
int *renamed_again(void) { int w = 0; return &w; }
#line 7 "other/b.c"
int *elsewhere(void) { int w = 0; return &w; }
# 90 "/abs/c.c"
int *absolute(void) { int w = 0; return &w; }
C
cat >expected <<'E'
/abs/c.c:90:27: moved to heap: w
a.c:8:14: moved to heap: x
a.c:12:3: moved to heap: hidden
a.c:16:10: moved to heap: y
a.c:22:7: moved to heap: z
a.c:25:32: mw_new(int) escapes to heap
a.c:26:35: mw_new(int) escapes to heap
a.c:29:9: mw_make(int, 3) escapes to heap
a.c:31:34: moved to heap: a
a.c:31:45: moved to heap: b
a.c:37:37: moved to heap: {compound literal}
a.c:38:43: moved to heap: {compound literal}
a.c:39:37: moved to heap: {compound literal}
a.c:40:35: moved to heap: {compound literal}
a.c:41:39: moved to heap: {compound literal}
a.c:42:32: moved to heap: p
a.c:42:43: moved to heap: q
a.c:43:23: moved to heap: p
a.c:43:35: moved to heap: r
a.c:44:16: moved to heap: p
a.c:44:24: leaking param: kept
gen.y:30:32: moved to heap: w
gen.y:1000:26: moved to heap: y
gen.y:1001:33: mw_new(int) escapes to heap
other/b.c:7:28: moved to heap: w
./sub/part.h:2:7: moved to heap: held
./sub/part.h:6:19: mw_new(struct box) escapes to heap
E
for level in 0 1 2 3; do
  "$mallow" cc -m -O$level -c a.c -o a.o 2>all || { cat all; die "-O$level"; }
  LC_ALL=C sort -c -t: -k1,1 -k2,2n -k3,3n all || die "-O$level: not sorted"
  sort all | uniq -d | grep . && die "-O$level: said twice"
  grep -v 'inlin' all >got || :
  LC_ALL=C sort -t: -k1,1 -k2,2n -k3,3n expected | diff - got || die "-O$level"
done
# twenty callers: the function's variable once, each inlined call once
{
  echo 'static inline int *one(int n) { int x = n; return &x; }'
  for i in 1 2 3 4 5 6 7 8 9 10; do echo "int *f$i(int c) { return c ? one($i) : one(-$i); }"; done
} >many.c
"$mallow" cc -m -O2 -c many.c -o a.o 2>all
test "$(grep -c 'moved to heap: x' all)" = 1 || die "x is not said once"
test "$(grep -c 'can inline one' all)" = 1 || die "can inline is not said once"
test "$(grep -c 'inlining call to one' all)" = 20 || die "twenty calls are inlined"
# the same places as clang's
cat >same.c <<'C'
#define LOCAL(type, name) type name = 0
#define HIDDEN int hidden = 0
int *g[9];
void f(void) {
  int a = 1, b[3], *c = 0;
  LOCAL(long, d);
  HIDDEN;
#ifdef KEEP
  g[0] = &a, g[1] = b, g[2] = (int *)&c, g[3] = (int *)&d, g[4] = &hidden;
#endif
}
C
"$clang" -Wunused-variable -fsyntax-only same.c 2>&1 |
  sed -n 's/^\(same.c:[0-9]*:[0-9]*\): warning: unused.*/\1/p' | sort >clang.places
"$mallow" cc -m -O0 -DKEEP -c same.c -o a.o 2>&1 | sed -n 's/^\(.*\): moved to heap: .*/\1/p' |
  sort >our.places
test "$(wc -l <clang.places)" = 5 || die "clang warns of five variables"
diff clang.places our.places || die "other places than clang's"
echo "each place as clang names it"
