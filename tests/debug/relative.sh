# SPDX-License-Identifier: MIT
# relative.sh MALLOW -- files that DWARF 4 names as the compiler was given them are absolute in traces
set -eu
mallow=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/inner"
cat >"$work/inner/called.h" <<'END'
static inline __attribute__((always_inline)) int called(int *p) { return *(volatile int *)p; }
END
cat >"$work/fails.c" <<'END'
#include "inner/called.h"
int main(void) { return called(0); }
END
for version in 4 5; do
  (cd "$work" && "$mallow" cc -O1 -gdwarf-$version fails.c -o fails)
  "$work/fails" 2>"$work/trace" && exit 1
  for file in inner/called.h:1 fails.c:2; do
    grep -q "^	$work/\(\./\)\?$file\( \|$\)" "$work/trace" || {
      echo "DWARF $version: not $work/$file in"
      cat "$work/trace"
      exit 1
    }
  done
done
