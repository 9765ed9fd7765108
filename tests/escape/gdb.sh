#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb.sh MALLOW -- gdb prints variables that have moved, at -O0, -O1 and -O2
#
# The object that a pointer points to is looked at at -O0 only: a struct on the
# stack that is taken apart has no address, in plain clang's programs either.
. "$(dirname "$0")/lib.sh"
needs_gdb
cat >"$work/commands" <<'G'
set confirm off
set width 0
set debuginfod enabled off
handle SIGURG nostop noprint pass
break stop
run
up
print x
print *p
print p == kept[0]
continue
up
print x
print *p
continue
up
print s
print v
print kept_pair == &s
continue
up
print n
print kept[2] == &n
continue
up
print y
continue
up
print y
print kept[4] == &y
continue
up
print b.v[3]
continue
up
print r.v[0]
continue
up
print t
print kept[0] == &t
continue
up
print t
print *kept[0]
continue
up
print z
continue
up
print *o
continue
G
cat >"$work/expected" <<'G'
$1 = 5
$2 = 5
$3 = 1
$4 = 7
$5 = 7
$6 = {a = 7, b = 8}
$7 = {7, 14, 21}
$8 = 1
$9 = 21
$10 = 1
$11 = 0
$12 = 10
$13 = 1
$14 = 33
$15 = 5
$16 = 60
$17 = 1
$18 = 61
$19 = 61
$20 = 41
$21 = {a = 50, b = 51}
exited normally
G
for level in 0 1 2; do
  if [ $level = 1 ]; then
    sed -i '/^print \*o$/d' "$work/commands"
    sed -i '/^\$21 /d' "$work/expected"
  fi
  "$mallow" cc -w -O$level -g "$here/debugged.c" -o "$work/program"
  if ! timeout 100 gdb -nx -batch -x "$work/commands" "$work/program" >"$work/log" 2>&1; then
    echo "gdb failed at -O$level"
    tail -n 20 "$work/log"
    exit 1
  fi
  grep -o '^\$[0-9]* = .*\|exited normally' "$work/log" | sed 's/^\$[0-9]*/$/' >"$work/got" || :
  sed 's/^\$[0-9]*/$/' "$work/expected" >"$work/wanted"
  cmp -s "$work/wanted" "$work/got" || {
    echo "-O$level:"
    diff "$work/wanted" "$work/got" || :
    tail -n 5 "$work/log"
    exit 1
  }
done
echo "each variable at -O0, -O1 and -O2"
