#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb_linked.sh MALLOW CLANG -- gdb shows variables whose place is decided when linking [DP1]
#
# In each of three calls, of those that stay on the stack and of one that does not: what it shows
# of plain clang's program at the same level.  Also when the linking leaves all on the heap.
. "$(dirname "$0")/lib.sh"
clang=$2
needs_gdb
cd "$work"
{
  cat <<'G'
set confirm off
set width 0
set debuginfod enabled off
set print thread-events off
set print address off
handle SIGURG nostop noprint pass
break stop
run
G
  for i in 1 2 3; do printf 'up\nprint number\nprint kept\nprint point\ncontinue\n'; done
} >look
# from stdin, so that an error does not end the session
shown() {
  timeout 100 gdb -nx -q "./$1" <look 2>&1 | sed 's/(gdb) //g' |
    sed -n 's/^\$[0-9]* = //p; /^value has been/p; /^No symbol/p' >"$2"
}
same() {
  shown "$1" mallow
  cmp -s plain mallow || {
    echo "$2:"
    diff plain mallow || :
    exit 1
  }
}
for level in 0 1 2 3; do
  "$clang" -O$level -g "$here/gdb_linked_a.c" "$here/gdb_linked_b.c" -o program
  shown program plain
  [ "$(wc -l <plain)" = 9 ] || { cat plain; exit 1; }
  for f in a b; do "$mallow" cc -O$level -g -c "$here/gdb_linked_$f.c" -o $f.o; done
  "$mallow" cc a.o b.o -o program
  same program "-O$level"
  ./program
  "$mallow" cc -Wl,--defsym=unused=0 a.o b.o -o program
  same program "-O$level, all on the heap" # names given otherwise: nothing is decided
  ./program
done
echo "three variables in three calls, four levels, each place"
