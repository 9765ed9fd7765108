#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb_turns.sh MALLOW CLANG turns|shown -- gdb shows variables that have moved as they are, at every level
#
# turns.c: variables that escape from inside a loop; shown.c: code as people write it.  At -O0
# every variable has its value.  In optimised code, -flto and -flto=thin too:
#   right   a value is the same as at -O0 or <optimized out>, never another (turns.c: of every
#           variable; shown.c: of those that have moved: plain clang shows some of the others wrong)
#   always  the variables of this list are never <optimized out> at the levels that stand there
#   plain   where plain clang shows the right value of the same variable, on its stack, mallow
#           does
# A breakpoint with a condition on such a variable, its address, its type, and writing to it
# work at every level; other -g options give the same or, with -g1, lines.
. "$(dirname "$0")/lib.sh"
clang=$2 file=$3
needs_gdb

# file, function, variable: levels at which it is never <optimized out> (l: -flto, t: thin)
moved='turns scalar x 123lt
turns last x 1lt
turns changed x 123lt
turns modified m 123lt
turns structure s 123lt
turns array v 123lt
turns list e 123lt
turns parameter n 123lt
turns in_memory b 123
turns result r 123lt
turns of_the_loop k 23lt
turns label t 1lt
turns in_switch c 123lt
turns pointer q 1
turns number d 123lt
turns small w 123
turns narrow h 123
turns spilled g -
shown waiters first 123lt
shown waiters second 123lt
shown parser at 123lt
shown parser value 123lt
shown scanner s 1
shown closure h 123lt
shown keep n 123lt
shown table squares 123lt
shown start_at count -
shown turned m 1t
shown decide state 123lt
shown configure c 123lt
shown swap one 123lt
shown swap two 123lt
shown called got 123lt'

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
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32; do
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

# "number-of-the-stop function variable value"; gdb names the frame at `up`
values() {
  sed -n 's/^#1 .* in \([a-z_]*\) (.*/F \1/p; s/^\([a-z]*\) = \(.*\)/V \1 \2/p' |
    sed 's/0x[0-9a-f]*/PTR/g' |
    awk '$1 == "F" { f = $2; n++; next } { v = $2; $1 = $2 = ""; print n, f, v $0 }'
}
# look NAME: stops and variables of $work/program to $work/NAME
look() {
  timeout 100 gdb -nx -batch -x "$work/look" "$work/program" >"$work/log" 2>&1 || :
  values <"$work/log" >"$work/$1"
  stops=$(grep -c '^#1 ' "$work/log" || :)
  [ "$stops" = "$expected" ] || {
    echo "$1: $stops stops"
    tail -n 20 "$work/log"
    exit 1
  }
}
# options LEVEL
options() {
  case $1 in
  l) echo -O2 -flto ;;
  t) echo -O2 -flto=thin ;;
  *) echo "-O$1" ;;
  esac
}
# right FILE NAME: no value that is not the one at -O0
right() {
  echo "$moved" | awk -v file="$1" -v all="$([ "$1" = turns ] && echo 1)" '
    FILENAME == "-" { if ($1 == file) moved[$2 " " $3] = 1; next }
    { key = $1 " " $2 " " $3; name = $2 " " $3; $1 = $2 = $3 = "" }
    FNR == 1 { first = !first }
    first { wanted[key] = $0; next }
    !(key in wanted) { print "not there: " key; bad = 1; next }
    (all || name in moved) && $0 != wanted[key] && !/<optimized out>/ {
      print "wrong: " key $0 ", at -O0:" wanted[key]; bad = 1 }
    END { exit bad }' - "$work/$1-0" "$work/$2" || {
    echo "$2"
    exit 1
  }
}
# missing FILE LEVEL: how often plain clang shows a moved variable right and mallow does not
missing() {
  echo "$moved" | awk -v file="$1" '
    FILENAME == "-" { if ($1 == file) moved[$2 " " $3] = 1; next }
    { key = $1 " " $2 " " $3; name = $2 " " $3; $1 = $2 = $3 = "" }
    FNR == 1 { nth++ }
    nth == 1 { wanted[key] = $0; next }
    nth == 2 { plain[key] = $0; next }
    name in moved && /<optimized out>/ && (key in plain) && plain[key] == wanted[key] { n++ }
    END { print n + 0 }' - "$work/$1-0" "$work/plain" "$work/$1-$2"
}

expected=64
[ $file = turns ] || expected=51
for level in 0 1 2 3 l t; do
  # shellcheck disable=SC2046 # two words
  "$mallow" cc -w $(options $level) -g "$here/$file.c" -o "$work/program"
  look $file-$level
  if [ $level = 0 ]; then
    if grep 'optimized out' "$work/$file-0"; then exit 1; fi
    echo "$moved" | awk -v file=$file '$1 == file { print $3 }' | sort >"$work/listed"
    "$mallow" cc -m -w -c "$here/$file.c" -o "$work/o" 2>&1 |
      sed -n 's/.*: moved to heap: //p' | sort >"$work/reported"
    cmp -s "$work/listed" "$work/reported" || {
      diff "$work/listed" "$work/reported" || :
      exit 1
    }
  else
    right $file $file-$level
    echo "$moved" | while read -r in fn var levels; do
      case $in-$levels in
      $file-*$level*)
        if ! grep -q "^[0-9]* $fn $var " "$work/$file-$level" ||
          grep "^[0-9]* $fn $var .*<optimized out>" "$work/$file-$level"; then
          echo "$file.c, $fn: $var has no value at level $level"
          exit 1
        fi
        ;;
      esac
    done
  fi
  [ $file = turns ] || continue
  timeout 100 gdb -nx -batch -x "$work/change" "$work/program" >"$work/log" 2>&1 || :
  grep -o '^\$[0-9]* = .*\|^type = .*' "$work/log" >"$work/got" || :
  cmp -s "$work/changed" "$work/got" || {
    echo "level $level:"
    diff "$work/changed" "$work/got" || :
    tail -n 5 "$work/log"
    exit 1
  }
done
for level in 1 2 3 l t; do
  # shellcheck disable=SC2046
  "$clang" -w $(options $level) -fuse-ld=lld -g -DPLAIN "$here/$file.c" -o "$work/program"
  look plain
  n=$(missing $file $level)
  [ "$n" = 0 ] || {
    echo "$file.c, level $level: $n values are there in plain clang's program only"
    exit 1
  }
done

echo "$(wc -l <"$work/$file-0") values at each level"
# other options for debug information
[ "$file" = turns ] || exit 0
for set in '-Og -g' '-O2 -g3' '-O2 -gdwarf-4' '-O2 -g -fPIC -fsplit-dwarf-inlining'; do
  # shellcheck disable=SC2086
  "$mallow" cc -w $set "$here/turns.c" -o "$work/program"
  look other
  right turns other
  [ "$(grep -c 'optimized out' "$work/other")" -le 20 ] || { echo "$set: too few values"; exit 1; }
done
"$mallow" cc -w -O2 -g1 "$here/turns.c" -o "$work/program"
look lines
[ ! -s "$work/lines" ] || { echo "-g1 describes variables"; exit 1; }
[ "$(grep -c '^#1 .*turns.c:[0-9]' "$work/log")" = 64 ] || { echo "-g1: no lines"; exit 1; }
