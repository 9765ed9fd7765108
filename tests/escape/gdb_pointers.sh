#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb_pointers.sh MALLOW CLANG -- gdb shows an object on the stack wherever plain clang's program does
#
# At each stop of pointers.c, p and *p: the same text as with plain clang at the same level,
# where the object is a compound literal.
. "$(dirname "$0")/lib.sh"
clang=$2
needs_gdb
{
  cat <<'G'
set confirm off
set width 0
set debuginfod enabled off
set print thread-events off
handle SIGURG nostop noprint pass
break stop
run
G
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
    printf 'up\nprint *p\nprint p\ncontinue\n'
  done
} >"$work/look"
# from stdin, so that an error does not end the session
look() {
  timeout 100 gdb -nx -q "$work/program" <"$work/look" 2>&1 | sed 's/(gdb) //g' |
    sed -n 's/^#1 .* in \([a-z_]*\) (.*/\1/p; /^value has been/p; s/^\$[0-9]* = //p' |
    sed 's/0x[0-9a-f]*/PTR/g' >"$work/$1"
}
for level in 0 1 2 3; do
  "$mallow" cc -w -O$level -g "$here/pointers.c" -o "$work/program"
  look mallow
  "$clang" -w -O$level -g -DPLAIN "$here/pointers.c" -o "$work/program"
  look plain
  [ "$(wc -l <"$work/plain")" = 39 ] || { cat "$work/plain"; exit 1; }
  cmp -s "$work/plain" "$work/mallow" || {
    echo "-O$level:"
    diff "$work/plain" "$work/mallow" || :
    exit 1
  }
done
"$mallow" cc -m -w -c "$here/pointers.c" -o "$work/o" 2>&1 | grep 'escapes to heap' && exit 1
echo "p and *p at 13 stops, four levels"
