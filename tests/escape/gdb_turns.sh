#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb_turns.sh MALLOW -- gdb shows a variable that escapes from a loop as it is, in each turn
#
# At -O0 every variable has its value.  In optimised code a value is the same or
# <optimized out>, never another; the variables of the list `always` have one at the levels that stand
# there.  A breakpoint with a condition on such a variable, its address, its type, and
# writing to it work at every level.
set -eu
mallow=$1
here=$(cd "$(dirname "$0")" && pwd)
command -v gdb >/dev/null || { echo "gdb is not installed: scripts/setup.sh does it"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name of the function and the variable: levels at which it is never <optimized out>
always='scalar x 123
last x 1
last p 123
changed x 1
modified m 123
structure s 123
array v 123
list e 123
parameter n 123
in_memory b 123
result r 123
of_the_loop k 23
label t 1
in_switch c 123
pointer q 1
number d 1
small w 1'

cat >"$work/settings" <<'G'
set confirm off
set width 0
set debuginfod enabled off
set print thread-events off
set print entry-values no
handle SIGURG nostop noprint pass
G
{
  cat "$work/settings"
  printf 'break stop\nrun\n'
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27; do
    printf 'up\necho =\\n\ninfo locals\ninfo args\ncontinue\n'
    printf 'up\necho =\\n\ninfo locals\ninfo args\ncontinue\n'
  done
} >"$work/look"
{
  cat "$work/settings"
  cat <<'G'
break stop if kept && *kept == 42
run
up
print m
print &m == kept
ptype m
whatis &m
set var m = 77
print *kept
delete
break finish
continue
print verdict - 40 - 41 - 43
kill
G
} >"$work/change"
cat >"$work/changed" <<'G'
$1 = 42
$2 = 1
type = int
type = int *
$3 = 77
$4 = 77
G

# "function variable value", one for each variable and stop; gdb names the frame at `up`
values() {
  sed -n 's/^#1 .* in \([a-z_]*\) (.*/F \1/p; s/^\([a-z]*\) = \(.*\)/V \1 \2/p' |
    sed 's/0x[0-9a-f]*/PTR/g' | awk '$1 == "F" { f = $2; next } { $1 = f; print }'
}

for level in 0 1 2 3; do
  "$mallow" cc -w -O$level -g "$here/turns.c" -o "$work/program"
  timeout 100 gdb -nx -batch -x "$work/look" "$work/program" >"$work/log" 2>&1 || :
  values <"$work/log" >"$work/got$level"
  stops=$(grep -c '^#1 ' "$work/log")
  [ "$stops" = 54 ] || { echo "-O$level: $stops stops"; tail -n 20 "$work/log"; exit 1; }
  if [ $level != 0 ]; then
    paste -d '|' "$work/got0" "$work/got$level" |
      awk -F '|' '$1 != $2 && $2 !~ /<optimized out>/ { print "wrong: " $2 ", -O0: " $1; e = 1 }
        END { exit e }' || { echo "at -O$level"; exit 1; }
    echo "$always" | while read -r fn var levels; do
      case $levels in
      *$level*)
        if ! grep -q "^$fn $var " "$work/got$level" ||
          grep "^$fn $var .*<optimized out>" "$work/got$level"; then
          echo "$fn: $var has no value at -O$level"
          exit 1
        fi
        ;;
      esac
    done
  fi
  timeout 100 gdb -nx -batch -x "$work/change" "$work/program" >"$work/log" 2>&1 || :
  grep -o '^\$[0-9]* = .*\|^type = .*' "$work/log" >"$work/got" || :
  cmp -s "$work/changed" "$work/got" || {
    echo "-O$level:"
    diff "$work/changed" "$work/got" || :
    tail -n 5 "$work/log"
    exit 1
  }
done
echo "$(wc -l <"$work/got0") values at each level"
