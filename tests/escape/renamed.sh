#!/bin/sh
# SPDX-License-Identifier: MIT
#
# renamed.sh MALLOW -- calls go where the linker's names go, or nothing is linked [LR1] [SU1]:
# --wrap, --defsym, definitions taken twice, what objcopy does to names, partial links
. "$(dirname "$0")/lib.sh"
include=$(cd "$(dirname "$0")/../../include" && pwd)
cd "$work"
cat >box.h <<'C'
#include <mallow.h>
#include <stdio.h>
#include <stdint.h>
struct box { int *p; long n; };
int reads(struct box *b);
int other(struct box *b);
extern int *kept;
C
# the caller: *kept is read when the frame of v is gone
cat >a.c <<'C'
#include "box.h"
int *kept;
static __attribute__((noinline)) int f(void) { int v = 5; struct box x = {&v, 2}; return reads(&x); }
static __attribute__((noinline)) void smash(int n) { volatile char junk[512]; junk[n] = 1; if (n) smash(n - 1); }
int main(void) { int r = f(); smash(20); mw_gc(); printf("%d %d\n", r, kept ? *kept : 0); }
C
cat >b.c <<'C'
#include "box.h"
int reads(struct box *b) { return (int)b->n; }
C
cat >wrap.c <<'C'
#include "box.h"
int __real_reads(struct box *b);
int __wrap_reads(struct box *b) { kept = b->p; return __real_reads(b) + 100; }
C
cat >other.c <<'C'
#include "box.h"
int other(struct box *b) { kept = b->p; return 200; }
C
cat >mine.c <<'C'
#include "box.h"
int reads(struct box *b) { return (int)b->n + 300; }
C
for f in a b wrap other mine; do
  "$mallow" cc -O2 -c $f.c -o $f.o
  "$clang" -O2 -I"$include" -c $f.c -o clang_$f.o
done
"$mallow" cc -O2 -fmallow-summaries=b.o -c a.c -o told.o

gives() { # WHAT OPTIONS...
  want=$1
  shift
  rm -f prog
  "$mallow" cc "$@" -o prog 2>out || { fail "$*: status $?"; return; }
  GODEBUG=gcstress=1,clobberfree=1 ./prog >out 2>&1 || fail "$*: ran with status $?"
  [ "$(cat out)" = "$want" ] || fail "$*: expected $want"
}
refused() { # WORDS OPTIONS...
  want=$1
  shift
  rm -f prog
  if "$mallow" cc "$@" -o prog 2>out; then fail "$*: linked"; fi
  grep -q -- "$want" out || fail "$*: expected: $want"
  [ ! -e prog ] || fail "$*: there is a program"
}
for ld in "" -fuse-ld=lld; do
  gives "2 0" $ld told.o b.o
  gives "102 5" $ld a.o b.o wrap.o -Wl,--wrap=reads
  gives "102 5" $ld b.o a.o wrap.o -Wl,--wrap,reads
  gives "102 5" $ld a.o wrap.o b.o -Xlinker --wrap -Xlinker reads
  gives "102 5" $ld -O2 a.c b.o wrap.o -Wl,--wrap=reads
  gives "102 5" $ld a.o clang_b.o clang_wrap.o -Wl,--wrap=reads
  gives "402 5" $ld a.o mine.o wrap.o -Wl,--wrap=reads
  gives "200 5" $ld a.o b.o other.o -Wl,--defsym=reads=other
  refused "__wrap_reads is linked" $ld a.o b.o clang_wrap.o -Wl,--wrap=reads
  refused "compiled for another 'reads'" $ld told.o b.o wrap.o -Wl,--wrap=reads
  refused "compiled for another 'reads'" $ld told.o b.o other.o -Wl,--defsym=reads=other
  refused "cannot be combined with -s" $ld -s a.o b.o wrap.o -Wl,--wrap=reads
  refused "calls of 'reads'" $ld a.o clang_mine.o b.o -Wl,-z,muldefs
done
gives "102 5" -flto -O2 a.c b.c wrap.c -Wl,--wrap=reads
gives "102 5" -flto=thin -O2 a.c b.c wrap.c -Wl,--wrap=reads

"$objcopy" --localize-symbol=reads b.o local.o
refused "calls of 'reads'" a.o local.o clang_mine.o
"$objcopy" --localize-symbol=reads --localize-symbol=mwi_x.reads b.o local.o
gives "302 0" a.o local.o mine.o
"$objcopy" --prefix-symbols= b.o same.o
gives "2 0" a.o same.o
ld -r a.o b.o -o ab.o
gives "2 0" ab.o
ld -r a.o wrap.o -o aw.o
gives "102 5" b.o aw.o -Wl,--wrap=reads
exit $failed
