#!/bin/sh
# SPDX-License-Identifier: MIT
#
# constructs.sh MALLOW -- _Generic, computed goto, VLAs, literals in loops, cleanup, va_list, setjmp,
# assembly, atomics, handlers, thread-locals, constructors, aliases, ifuncs, wide integers, blocks, and
# precompiled headers: what escapes by them is on the heap, whatever the options
. "$(dirname "$0")/lib.sh"
cd "$work"
for options in -O0 -O1 -O2 -Oz "-O2 -fPIC -fno-plt -ftrivial-auto-var-init=pattern" \
  "-O1 -fsanitize=address" "-O2 -flto -DNO_IFUNC"; do
  # shellcheck disable=SC2086 # several options
  "$mallow" cc -w $options "$here/constructs.c" -o prog 2>out || die "$options: does not compile"
  GODEBUG=gcstress=1,clobberfree=1 timeout 60 ./prog >out 2>&1 || die "$options: status $?"
done
"$mallow" cc -w -O1 -fno-mallow-escape "$here/constructs.c" -o prog
if GODEBUG=clobberfree=1 timeout 60 ./prog >out 2>&1; then die "without the analysis it has to fail"; fi

# blocks: what they capture, by value and by reference, and they themselves
cat >blocks.c <<'C'
int (^g)(void);
static int (^id(int (^b)(void)))(void) { return b; }
int f(void) { int x = 1; int *p = &x; int (^b)(void) = ^{ return *p; }; g = b; return 0; }
int h(void) { __block int y = 1; int (^b)(void) = ^{ return y++; }; g = id(b); return 0; }
C
"$mallow" cc -fblocks -m -O1 -c blocks.c 2>out
for variable in 3:19:x 3:45:block 4:27:y 4:40:block; do
  grep -q "^blocks.c:${variable%:*}: moved to heap: ${variable##*:}$" out || die "blocks: $variable"
done

# a precompiled header, made and used
cat >all.h <<'C'
#ifndef ALL_H
#define ALL_H
#include <mallow.h>
static inline int *same(int *p) { return p; }
#endif
C
cat >use.c <<'C'
#include "all.h"
int *g;
static __attribute__((noinline)) void f(void) { int x = 7; g = same(&x); }
int main(void) { f(); mw_gc(); return *g - 7; }
C
for how in "-x c-header all.h -o all.pch" "all.h -o all.pch" "-xc-header all.h -o all.pch"; do
  rm -f all.pch
  # shellcheck disable=SC2086
  "$mallow" cc -O2 $how 2>out || die "$how"
  "$mallow" cc -O2 -include-pch all.pch -m use.c -o prog 2>out || die "$how: use"
  grep -q "use.c:3:53: moved to heap: x" out || die "$how: -m"
  GODEBUG=gcstress=1,clobberfree=1 ./prog || die "$how: status $?"
done

# a constructor may start collections, whose workers have all processors when main begins
cat >early.c <<'C'
#include <mallow.h>
static void *volatile last;
__attribute__((constructor)) static void early(void) { for (int i = 0; i < 100000; i++) last = mw_make(long, 200); }
int main(void) { return last == NULL; }
C
"$mallow" cc -O2 early.c -o prog
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  timeout 60 ./prog >out 2>&1 || die "early, run $i: status $?"
done
