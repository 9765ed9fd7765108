# SPDX-License-Identifier: MIT
# make.sh -- project/, an unchanged Makefile with CC="mallow cc"
. "$(dirname "$0")/lib.sh"

PATH=$prefix/bin:$PATH
cp -r "$here/project" src
for flags in -O0 -O2 '-O3 -g' '-O2 -flto'; do
  make -s -C src clean
  make -s -C src CC='mallow cc' CFLAGS="$flags" || die "make with $flags"
  expect 'sum 500500, words 3: alpha beta gamma' src/prog
done

# A compiler of one word, for Makefiles that quote it.
cat >quoted.mk <<'END'
prog: quoted.c
	"$(CC)" -O1 -DMADE_BY=\"$(CC)\" quoted.c -o prog
END
cat >quoted.c <<'END'
#include <mallow.h>
#include <stdio.h>
int *kept(int n) { return &n; }
int main(void) { return printf("%d by %s\n", *kept(3), MADE_BY) < 0; }
END
make -s -f quoted.mk CC=mallow-cc || die "make with mallow-cc"
expect '3 by mallow-cc' ./prog

# Objects from plain clang link with instrumented ones.
make -s -C src clean
make -s -C src CC='mallow cc' CFLAGS=-O2
printf 'int twice(int x) { return 2 * x; }\n' >plain.c
printf '#include <stdio.h>\nint twice(int);\nint main(void) { printf("%%d\\n", twice(21)); }\n' >user.c
"$CLANG" -O2 -c plain.c
mallow cc -O2 user.c plain.o -o mixed
expect 42 ./mixed
